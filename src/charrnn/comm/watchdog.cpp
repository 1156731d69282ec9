#include "charrnn/comm/watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <optional>
#include <sstream>
#include <vector>

#include "charrnn/comm/slow_start.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/log.h"
#include "charrnn/core/running_clock.h"
#include "charrnn/core/stop_signal.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr auto kLook = std::chrono::milliseconds(200);
// What a waiting thread gets, beyond the limit, to give up by itself: it knows who is missing.
constexpr double kGraceSeconds = 2;
// After a TERM a rank leaves with the step it is in, unless another rank is gone. mpirun kills a second
// later.
constexpr double kLeavesWithinSeconds = 0.5;
// A rank that waits looks for other ranks' reports once in so many looks: a shared file system has other
// work.
constexpr int kLooksBetweenFolders = 5;
constexpr const char* kAbortPrefix = "abort-report-rank-";
constexpr const char* kOperationsPrefix = "last-operations-rank-";

bool is_report(const std::string& name) {
  return name.starts_with(kAbortPrefix) || name.starts_with(kOperationsPrefix);
}

bool is_of_start(const fs::path& report, const std::string& start) {
  try {
    return read_file(report).find("\nstart " + start + "\n") != std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

std::vector<fs::path> reports_in(const fs::path& folder) {
  std::vector<fs::path> reports;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (is_report(entry->path().filename().string())) reports.push_back(entry->path());
  }
  return reports;
}

const char* name_of(Operation::State state) {
  switch (state) {
    case Operation::State::kStarted:
      return "started";
    case Operation::State::kAwaited:
      return "awaited";
    case Operation::State::kDone:
      break;
  }
  return "done";
}

// One line an operation, times in seconds before now.
std::string table_of(const std::vector<Operation>& operations) {
  std::ostringstream table;
  table.precision(6);
  table << std::fixed;
  for (const Operation& operation : operations) {
    table << "operation " << operation.sequence << ' ' << operation.name << " bytes " << operation.bytes
          << " step " << operation.step << ' ' << name_of(operation.state) << " began "
          << -running_clock().seconds_since(operation.began);
    if (operation.state == Operation::State::kDone) {
      table << " ended " << -running_clock().seconds_since(operation.ended);
    }
    table << '\n';
  }
  return table.str();
}

}  // namespace

void put_away_reports(const fs::path& folder, const std::string& start) {
  for (const fs::path& report : reports_in(folder)) {
    if (is_of_start(report, start)) continue;
    std::error_code problem;
    fs::rename(report, folder / ("earlier-" + report.filename().string()), problem);
    if (problem)
      log::warning(concat("cannot rename the report ", report, " of an earlier start: ", problem.message()));
  }
}

Watchdog::Watchdog(double slow_start_seconds)
    : slow_start_seconds_(slow_start_seconds), thread_([this] { watch(); }) {}

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
  if (speaks_for_host()) log::warning(slow_start_text(operation.name, seconds));
}

fs::path Watchdog::write_report(ExitCode code, const std::string& cause) {
  fs::path folder;
  std::string start;
  int rank = 0;
  int size = 1;
  {
    const std::lock_guard lock(mutex_);
    const bool replaces = reported_ && *reported_ != ExitCode::kLost && code == ExitCode::kLost;
    if (folder_.empty() || (reported_ && !replaces)) return {};
    reported_ = code;
    folder = folder_;
    start = start_;
    rank = rank_;
    size = size_;
  }
  const bool is_lost = code == ExitCode::kLost;
  const fs::path file = folder / concat(is_lost ? kAbortPrefix : kOperationsPrefix, rank, ".txt");
  try {
    fs::create_directories(folder);
    write_file_atomically(
        file, concat("rank ", rank, " of ", size, "\nstart ", start, "\ncause ", cause,
                     "\n\nThe last operations, times in seconds from now:\n", table_of(log_.last())));
    return file;
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
  fs::path folder;
  std::string start;
  bool leaves = false;
  {
    const std::lock_guard lock(mutex_);
    if (!reported_) folder = folder_;
    start = start_;
    leaves = leaving_;
  }
  if (awaited) explain_slow_start(*awaited, seconds);
  if (awaited && seconds > awaited->own_limit.value_or(limit_seconds() + kGraceSeconds)) {
    const std::string cause =
        concat(to_text(*awaited), " hangs since ", seconds, " s: a rank, its device or the network was lost",
               leaves ? "; what this rank had to do was done before" : "");
    log::error(cause);
    write_report(ExitCode::kLost, cause);
    _exit(static_cast<int>(ExitCode::kLost));
  }
  const bool is_stuck = seconds > kLeavesWithinSeconds;
  const bool is_told_to_end = stop_signal() == SIGTERM;
  if (leaves || folder.empty() || (!is_stuck && !is_told_to_end)) return;
  if (!is_told_to_end && ++looks_ % kLooksBetweenFolders != 0) return;
  ExitCode code = ExitCode::kError;
  std::string cause;
  const auto reports = reports_in(folder);
  const auto other = std::find_if(reports.begin(), reports.end(),
                                  [&](const fs::path& report) { return is_of_start(report, start); });
  if (other != reports.end()) {
    const std::string name = other->filename().string();
    if (name.starts_with(kAbortPrefix)) code = ExitCode::kLost;
    cause = "another rank reported first: " + name;
  } else if (is_stuck && is_told_to_end) {
    cause = concat("told to end (SIGTERM) while waiting for other ranks in ", awaited->name, ", operation ",
                   awaited->sequence);
  } else {
    return;
  }
  const fs::path file = write_report(code, cause);
  if (code == ExitCode::kLost) return;
  const std::lock_guard lock(mutex_);
  withdrawn_at_end_ = file;
}

}  // namespace charrnn
