// A thread that runs from before MPI starts and calls no MPI. It ends the process with code 4 when an
// operation is awaited for longer than comm.timeout_seconds and the waiting thread itself did not give up (it
// hangs inside MPI or CUDA). And it writes this rank's report (rank_report.h) when something goes wrong on
// any rank.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "charrnn/comm/operation_log.h"
#include "charrnn/comm/timeout_message.h"
#include "charrnn/config/comm_settings.h"
#include "charrnn/core/error.h"
#include "charrnn/core/stop_token.h"

namespace charrnn {

class Watchdog {
 public:
  // `stop`: SIGTERM is what a launcher sends when another rank is gone. A start that takes longer than
  // `slow_start_seconds` is unusual on a few hosts.
  explicit Watchdog(StopToken stop = {}, double slow_start_seconds = 5);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  OperationLog& log() { return log_; }
  bool is_told_to_end() const;  // by SIGTERM

  void set_rank(int rank, int size);
  // Without a folder nothing is written. `start` is the same on all ranks and different for each start: it is
  // in every report, for reports of an earlier start may lie there.
  void set_limit(double seconds, const std::filesystem::path& report_folder, const std::string& start = "");
  // Until set_started: the limit of all waits while MPI and NCCL start. A start of more than a few seconds
  // prints once what it may be waiting for, on one rank of each host.
  void set_start_limit(double seconds);
  void set_started();
  WaitLimit limit() const;
  double limit_seconds() const { return limit().seconds; }
  // This rank has finished its work and leaves MPI: it writes no more reports about other ranks.
  void set_leaving();

  // Writes this rank's report into the run's folder. Returns its path, empty if none was written. The first
  // report stays, except that one of a loss (code 4) replaces any other.
  std::filesystem::path write_report(ErrorKind kind, const std::string& cause);

 private:
  void watch();
  void look_for_trouble();
  void explain_slow_start(const Operation& operation, double seconds);
  void end_if_overdue(const Operation& awaited, double seconds);
  void withdraw_at_end(const std::filesystem::path& report);

  OperationLog log_;
  const StopToken stop_;
  const double slow_start_seconds_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  double limit_seconds_ = CommSettings{}.timeout_seconds;
  std::optional<double> start_limit_seconds_;  // until the start is over
  bool is_slow_start_explained_ = false;
  std::filesystem::path folder_;
  std::string start_;
  int rank_ = 0;
  int size_ = 1;
  bool leaving_ = false;
  int looks_ = 0;
  std::optional<ErrorKind> reported_;
  std::filesystem::path withdrawn_at_end_;  // a report of a stop that then succeeded
  std::thread thread_;                      // last: it uses the others
};

}  // namespace charrnn
