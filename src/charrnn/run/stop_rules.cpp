#include "charrnn/run/stop_rules.h"

#include "charrnn/comm/heartbeat.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/run/job_limit.h"

namespace charrnn {

StopRules::StopRules(const Settings& settings, const TrainOptions& options, int64_t total_steps,
                     Communicator& comm, Clock::time_point started)
    : settings_(settings), options_(options), total_steps_(total_steps), comm_(comm), started_(started) {
  watch_job_limit();
}

void StopRules::watch_job_limit() {
  if (comm_.rank() != 0 || !settings_.run.stop_before_limit) return;
  try {
    std::optional<double> seconds;
    with_heartbeat(comm_, [&] { seconds = seconds_to_job_end(); });
    job_limit_.reset();
    if (!seconds) return;
    if (*seconds < *settings_.run.stop_before_limit) {
      log::warning(concat("run.stop_before_limit is ", *settings_.run.stop_before_limit,
                          " s, and the job ends in ", *seconds, " s: the run stops now"));
    }
    job_limit_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                                    *seconds - *settings_.run.stop_before_limit));
  } catch (const Error& error) {
    log::warning(
        concat("run.stop_before_limit: ", error.what(), ". The run cannot stop before the job's time limit"));
  }
}

// Asks Slurm again to confirm: an administrator may have extended the limit.
bool StopRules::is_job_limit_near() {
  if (!job_limit_ || Clock::now() < *job_limit_) return false;
  if (!is_job_limit_confirmed_) {
    watch_job_limit();
    is_job_limit_confirmed_ = job_limit_ && Clock::now() >= *job_limit_;
  }
  return is_job_limit_confirmed_;
}

StopReason StopRules::reason(bool has_file_failed) {
  if (comm_.rank() != 0) return StopReason::kNone;
  if (has_file_failed) return StopReason::kFileError;
  if (is_job_limit_near()) return StopReason::kTimeLimit;
  if (options_.max_seconds && seconds_since(started_) >= *options_.max_seconds)
    return StopReason::kMaxSeconds;
  return StopReason::kNone;
}

bool StopRules::stops_after(int64_t step, StopReason agreed) const {
  return is_max_step(step) || agreed != StopReason::kNone;
}

std::optional<RunEnd> StopRules::end_after(int64_t step, StopReason agreed, bool is_postponed,
                                           bool is_out_of_patience) const {
  if (is_postponed) return RunEnd::kInterrupted;
  const bool is_last = step == total_steps_;
  if (agreed != StopReason::kNone && agreed != StopReason::kMaxSeconds && !is_last)
    return RunEnd::kInterrupted;
  if (is_out_of_patience) return RunEnd::kOutOfPatience;
  if (is_last) return RunEnd::kComplete;
  return is_asked_to_end(step, agreed) ? std::optional(RunEnd::kAsked) : std::nullopt;
}

}  // namespace charrnn
