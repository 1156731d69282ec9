// The waiting loop of an MPI rank: until an operation is done, but not longer than the watchdog's limit. MPI
// itself may hang; this loop does not, as it only tests. MPI backend only.
#pragma once

#include <cstdint>
#include <functional>

#include "charrnn/comm/mpi/peer_status.h"
#include "charrnn/comm/watchdog.h"

namespace charrnn {

class BoundedWait {
 public:
  BoundedWait(Watchdog& watchdog, PeerStatus& peers, int rank)
      : watchdog_(watchdog), peers_(peers), rank_(rank) {}

  // Waits for the operation with this number in the watchdog's log. Non-blocking operations progress only
  // inside MPI calls, so this keeps calling `done`. After half of the limit this rank sends its status to all
  // others. At the limit it writes a report and ends all ranks, and one rank prints who is missing.
  // `device_arrived`: whether this rank's device has reached the operation.
  void until(int64_t sequence, const std::function<bool()>& done,
             const std::function<bool()>& device_arrived = nullptr);

 private:
  [[noreturn]] void give_up(const Operation& operation, bool device_arrived);
  // Whether the reporting rank has printed its message; waits half a second for that.
  bool another_rank_reported();

  Watchdog& watchdog_;
  PeerStatus& peers_;
  const int rank_;
};

// Ends all ranks by MPI_Abort, and this process by itself if that hangs.
[[noreturn]] void abort_all_ranks(OperationLog& log, ErrorKind kind);

}  // namespace charrnn
