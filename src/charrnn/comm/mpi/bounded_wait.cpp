#include "charrnn/comm/mpi/bounded_wait.h"

#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "charrnn/core/clock.h"
#include "charrnn/core/exit_code.h"
#include "charrnn/core/log.h"
#include "charrnn/core/running_clock.h"

namespace charrnn {
namespace {

// A wait spins at first, as a sum takes microseconds; later it leaves the core to other threads.
constexpr double kSpinSeconds = 0.05;
constexpr auto kNap = std::chrono::microseconds(100);
// What a hanging MPI_Abort gets before the process ends by itself.
constexpr double kAbortSeconds = 5;
// MPI_Abort ends all ranks: the rank that prints the message gets this much time to do so.
constexpr double kMessageSeconds = 0.5;

}  // namespace

void BoundedWait::until(int64_t sequence, const std::function<bool()>& done,
                        const std::function<bool()>& device_arrived) {
  RunningClock& clock = running_clock();
  auto began = clock.now();
  auto last_look = Clock::now();
  while (!done()) {
    const double limit = watchdog_.limit_seconds();
    // Another rank works; or this process was stopped, and knows nothing of the time since.
    if (peers_.last_heartbeat() > began || seconds_since(last_look) > limit / 4) {
      began = clock.now();
      watchdog_.log().await(sequence);
      peers_.send_again();
    }
    last_look = Clock::now();
    const double seconds = clock.seconds_since(began);
    if (seconds < kSpinSeconds) {
      sched_yield();
      continue;
    }
    const Operation operation = watchdog_.log()[sequence];
    const bool has_arrived = device_arrived == nullptr || device_arrived();
    peers_.update(operation, has_arrived, seconds > limit / 2);
    if (seconds > limit) give_up(operation, has_arrived);
    std::this_thread::sleep_for(kNap);
  }
}

void BoundedWait::give_up(const Operation& operation, bool device_arrived) {
  const std::vector<RankStatus> ranks = peers_.statuses(operation, device_arrived);
  const std::string message = timeout_message(operation, watchdog_.limit(), ranks);
  const std::filesystem::path report = watchdog_.write_report(ErrorKind::kLost, message);
  // Without word from the reporting rank each prints it: that one is not at its limit yet, or cannot be
  // reached.
  const bool reports_for_all = reporting_rank(ranks) == rank_;
  if (reports_for_all || (!another_rank_reported() && !watchdog_.is_told_to_end())) {
    log::error(concat(message,
                      ". All ranks end with code 4; the same command continues from the last checkpoint",
                      report.empty() ? "" : concat(" (report: ", report.string(), ")")));
  }
  if (reports_for_all) peers_.send_reported();
  abort_all_ranks(watchdog_.log(), ErrorKind::kLost);
}

// As a rule the MPI_Abort of the reporting rank ends this one before the function returns.
bool BoundedWait::another_rank_reported() {
  const auto began = Clock::now();
  bool has_come = false;
  while (seconds_since(began) < kMessageSeconds) {
    has_come = peers_.is_reported();
    std::this_thread::sleep_for(kNap);
  }
  return has_come;
}

void abort_all_ranks(OperationLog& log, ErrorKind kind) {
  std::fflush(nullptr);
  const AwaitedOperation operation(log, "MPI_Abort", 0, kAbortSeconds);
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(exit_code_of(kind)));
  _exit(static_cast<int>(exit_code_of(kind)));
}

}  // namespace charrnn
