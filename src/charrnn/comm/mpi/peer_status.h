// Status messages between ranks that have waited for a long time, over their own MPI communicator: which
// operation each waits in. A rank that sends none is the missing one; a rank that works sends heartbeats.
// MPI backend only.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "charrnn/comm/mpi/mpi_calls.h"
#include "charrnn/comm/operation_log.h"
#include "charrnn/comm/timeout_message.h"
#include "charrnn/core/running_clock.h"

namespace charrnn {

class PeerStatus {
 public:
  // `host_leader`: the lowest rank that shares this rank's memory. Every rank calls it.
  PeerStatus(MPI_Comm world, int rank, int size, int host_leader);
  ~PeerStatus();
  PeerStatus(const PeerStatus&) = delete;
  PeerStatus& operator=(const PeerStatus&) = delete;

  const std::string& host_of(int rank) const { return hosts_.at(static_cast<size_t>(rank)); }

  // Called repeatedly while this rank waits in `operation`: receives messages, and sends its own once, to all
  // ranks if `to_all`, otherwise to those that have sent theirs.
  void update(const Operation& operation, bool device_arrived, bool to_all);

  // Sends to the ranks that wait for this rank that it is working.
  void send_heartbeat();
  // When the last heartbeat of another rank was received.
  RunningClock::Time last_heartbeat() const { return last_heartbeat_; }
  // Sends to every rank that this rank has printed the message about a lost rank.
  void send_reported();
  // Whether another rank has printed it; receives the messages that have arrived.
  bool is_reported();
  // Makes the next update send its status again.
  void send_again() { sent_in_ = 0; }

  // One status for each rank, as received during the wait in `operation`.
  std::vector<RankStatus> statuses(const Operation& operation, bool device_arrived) const;

 private:
  struct Message {
    int64_t sequence = 0;  // the operation that the sender waits in; or kHeartbeat, kReported
    int64_t device_arrived = 1;
    std::array<char, 32> operation{};
  };
  struct Received {
    Message message;
    RunningClock::Time at{};
    bool wants_answer = false;
  };
  struct Sending {
    Message message;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  static constexpr int64_t kHeartbeat = 0;
  static constexpr int64_t kReported = -1;
  enum class Sent { kNothing, kDeviceMissing, kArrived };

  static bool has_answered(const Received& received, const Operation& operation);
  void exchange_hosts(int host_leader);
  void post_receive();
  void receive();
  void send(size_t other, const Message& message);

  MPI_Comm comm_ = MPI_COMM_NULL;
  size_t rank_;
  std::vector<Received> received_;  // the last from each rank
  std::vector<Sent> sent_;          // to each rank, in the operation sent_in_
  int64_t sent_in_ = 0;
  RunningClock::Time last_heartbeat_{};
  bool is_reported_ = false;
  std::vector<std::string> hosts_;
  Message incoming_;
  MPI_Request receiving_ = MPI_REQUEST_NULL;
  std::list<Sending> sendings_;  // a list, because MPI holds their addresses
};

}  // namespace charrnn
