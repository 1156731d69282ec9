#include "charrnn/comm/watchdog.h"

#include <unistd.h>

#include <csignal>
#include <exception>
#include <optional>

#include "charrnn/comm/launcher.h"
#include "charrnn/comm/rank_report.h"
#include "charrnn/comm/slow_start.h"
#include "charrnn/core/exit_code.h"
#include "charrnn/core/log.h"
#include "charrnn/core/running_clock.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr auto kLook = std::chrono::milliseconds(200);
// What a waiting thread gets, beyond the limit, to give up by itself: it knows which rank is missing.
constexpr double kGraceSeconds = 2;
// After SIGTERM a rank leaves at the end of its step, unless another rank is gone. mpirun kills a second
// later.
constexpr double kLeavesWithinSeconds = 0.5;
// A rank that waits looks for other ranks' reports once in this many looks: a shared file system has other
// work.
constexpr int kLooksBetweenFolders = 5;

}  // namespace

Watchdog::Watchdog(StopToken stop, double slow_start_seconds)
    : stop_(stop), slow_start_seconds_(slow_start_seconds), thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  ended_.notify_one();
  thread_.join();
  std::error_code ignored;
  if (!withdrawn_at_end_.empty()) fs::remove(withdrawn_at_end_, ignored);
}

bool Watchdog::is_told_to_end() const {
  return stop_.signal() == SIGTERM;
}

void Watchdog::set_rank(int rank, int size) {
  const std::lock_guard lock(mutex_);
  rank_ = rank;
  size_ = size;
}

void Watchdog::set_limit(double seconds, const fs::path& report_folder, const std::string& start) {
  const std::lock_guard lock(mutex_);
  limit_seconds_ = seconds;
  folder_ = report_folder;
  start_ = start;
}

void Watchdog::set_leaving() {
  const std::lock_guard lock(mutex_);
  leaving_ = true;
}

void Watchdog::set_start_limit(double seconds) {
  const std::lock_guard lock(mutex_);
  start_limit_seconds_ = seconds;
}

void Watchdog::set_started() {
  const std::lock_guard lock(mutex_);
  start_limit_seconds_.reset();
}

WaitLimit Watchdog::limit() const {
  const std::lock_guard lock(mutex_);
  if (start_limit_seconds_) return {*start_limit_seconds_, "comm.start_timeout_seconds"};
  return limit_seconds_;
}

void Watchdog::explain_slow_start(const Operation& operation, double seconds) {
  {
    const std::lock_guard lock(mutex_);
    if (!operation.name.starts_with("the start of ")) return;  // another rank may be reading a large file
    if (!start_limit_seconds_ || is_slow_start_explained_ || seconds < slow_start_seconds_) return;
    is_slow_start_explained_ = true;
  }
  if (is_first_of_host()) log::warning(slow_start_text(operation.name, seconds));
}

fs::path Watchdog::write_report(ErrorKind kind, const std::string& cause) {
  fs::path folder;
  RankReport report;
  report.kind = kind;
  report.cause = cause;
  report.operations = log_.last();
  {
    const std::lock_guard lock(mutex_);
    const bool replaces = reported_ && *reported_ != ErrorKind::kLost && kind == ErrorKind::kLost;
    if (folder_.empty() || (reported_ && !replaces)) return {};
    reported_ = kind;
    folder = folder_;
    report.rank = rank_;
    report.size = size_;
    report.start = start_;
  }
  try {
    return write_rank_report(folder, report);
  } catch (const std::exception& error) {
    log::error(concat("the report could not be written: ", error.what()));
    return {};
  }
}

void Watchdog::watch() {
  const RunningClock::Watched looks(running_clock());
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, kLook, [this] { return done_; })) {
    lock.unlock();
    running_clock().now();
    look_for_trouble();
    lock.lock();
  }
}

void Watchdog::look_for_trouble() {
  const std::optional<Operation> awaited = log_.awaited();
  const double seconds = awaited ? running_clock().seconds_since(awaited->awaited) : 0;
  if (awaited) {
    explain_slow_start(*awaited, seconds);
    end_if_overdue(*awaited, seconds);
  }
  const bool is_stuck = seconds > kLeavesWithinSeconds;
  const bool is_told = is_told_to_end();
  if (!is_stuck && !is_told) return;
  fs::path folder;
  std::string start;
  {
    const std::lock_guard lock(mutex_);
    if (leaving_ || reported_ || folder_.empty()) return;
    folder = folder_;
    start = start_;
  }
  if (!is_told && ++looks_ % kLooksBetweenFolders != 0) return;
  if (const auto other = find_rank_report(folder, start)) {
    const ErrorKind kind = is_abort_report(*other) ? ErrorKind::kLost : ErrorKind::kFailed;
    const fs::path file = write_report(kind, "another rank reported first: " + other->filename().string());
    if (kind != ErrorKind::kLost) withdraw_at_end(file);
  } else if (is_stuck && is_told) {
    withdraw_at_end(
        write_report(ErrorKind::kFailed, concat("told to end (SIGTERM) while waiting for other ranks in ",
                                                awaited->name, ", operation ", awaited->sequence)));
  }
}

void Watchdog::end_if_overdue(const Operation& awaited, double seconds) {
  if (seconds <= awaited.own_limit.value_or(limit_seconds() + kGraceSeconds)) return;
  bool leaves = false;
  {
    const std::lock_guard lock(mutex_);
    leaves = leaving_;
  }
  const std::string cause =
      concat(to_text(awaited), " has hung for ", seconds, " s: a rank, its device or the network was lost",
             leaves ? "; this rank had finished its work" : "");
  log::error(cause);
  write_report(ErrorKind::kLost, cause);
  _exit(static_cast<int>(exit_code_of(ErrorKind::kLost)));
}

void Watchdog::withdraw_at_end(const fs::path& report) {
  const std::lock_guard lock(mutex_);
  withdrawn_at_end_ = report;
}

}  // namespace charrnn
