// No wait is without an end. A thread of its own, from before MPI starts, that calls no MPI: it ends the
// process with code 4 when an operation is awaited for longer than comm.timeout_seconds and the waiting
// thread itself did not give up (it hangs inside MPI or CUDA). And it sees to it that every rank leaves its
// last operations in the run's folder when something goes wrong anywhere.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "charrnn/comm/missing_ranks.h"
#include "charrnn/comm/operation_log.h"
#include "charrnn/config/settings.h"
#include "charrnn/core/error.h"

namespace charrnn {

class Watchdog {
 public:
  // A start that takes longer than `slow_start_seconds` is unusual on a few hosts.
  explicit Watchdog(double slow_start_seconds = 5);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  OperationLog& log() { return log_; }

  void set_rank(int rank, int size);
  // Without a folder nothing is written. START is the same on all ranks and no other start has it: it is in
  // every report, for reports of an earlier start may lie there.
  void set_limit(double seconds, const std::filesystem::path& report_folder, const std::string& start = "");
  // In force until set_started: the limit of all waits while MPI and NCCL start. A start of more than a few
  // seconds prints once what it may be waiting for, on one rank of each host.
  void set_start_limit(double seconds);
  void set_started();
  WaitLimit limit() const;
  double limit_seconds() const { return limit().seconds; }
  // All is done and this rank leaves MPI: what happens from now on needs no report.
  void set_leaving();

  // Writes abort-report-rank-R.txt (code 4, for launch/run to see) or else last-operations-rank-R.txt into
  // the run's folder: the cause, and a table of the last operations. Gives its path, empty where none was
  // written. The first stays, but for one of a lost rank, which comes after any other.
  std::filesystem::path write_report(ExitCode code, const std::string& cause);

 private:
  void watch();
  void look_for_trouble();
  void explain_slow_start(const Operation& operation, double seconds);

  OperationLog log_;
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
  std::optional<ExitCode> reported_;
  std::filesystem::path withdrawn_at_end_;  // a report of a stop that then went well
  std::thread thread_;                      // last: it uses the others
};

// Gives the reports of other starts in FOLDER another name.
void put_away_reports(const std::filesystem::path& folder, const std::string& start);

}  // namespace charrnn
