// When a run stops, and why. Rules that depend on a clock are evaluated by rank 0: reason() passes its
// request to the others through the trainer's control message (StopReason), so that all stop after the same
// step; a signal on any rank is sent the same way. Rules that every rank can evaluate, such as a number of
// steps, are in end_after() and stops_after(). A new rule belongs here. Only the trainer detects a
// divergence.
#pragma once

#include <cstdint>
#include <optional>

#include "charrnn/comm/communicator.h"
#include "charrnn/config/settings.h"
#include "charrnn/core/clock.h"
#include "charrnn/run/train_options.h"
#include "charrnn/train/control_message.h"

namespace charrnn {

// How a run ends.
enum class RunEnd {
  kComplete,       // after its last step
  kOutOfPatience,  // evaluate.patience
  kAsked,          // by --max-steps or --max-seconds
  kInterrupted,    // a signal, the job's time limit or a file that cannot be written: it can be resumed
  kDiverged,       // train.max_skipped_steps
};

class StopRules {
 public:
  // All must outlive it.
  // `started`: the start of --max-seconds.
  StopRules(const Settings& settings, const TrainOptions& options, int64_t total_steps, Communicator& comm,
            Clock::time_point started);

  // The reason for which this rank asks all to stop. `has_file_failed`: rank 0 can no longer write
  // metrics.jsonl.
  StopReason reason(bool has_file_failed);

  // Whether the run stops after `step`, because of --max-steps or a reason that all ranks agreed on.
  bool stops_after(int64_t step, StopReason agreed) const;
  // --max-steps or --max-seconds.
  bool is_asked_to_end(int64_t step, StopReason agreed) const {
    return is_max_step(step) || agreed == StopReason::kMaxSeconds;
  }
  // How the run ends after `step`, if it does. `is_postponed`: a signal interrupted an evaluation or samples.
  std::optional<RunEnd> end_after(int64_t step, StopReason agreed, bool is_postponed,
                                  bool is_out_of_patience) const;

 private:
  void watch_job_limit();
  bool is_job_limit_near();
  bool is_max_step(int64_t step) const { return options_.max_steps && step >= *options_.max_steps; }

  const Settings& settings_;
  const TrainOptions& options_;
  int64_t total_steps_;
  Communicator& comm_;
  Clock::time_point started_;
  std::optional<Clock::time_point> job_limit_;  // when to stop, before the job's end; on rank 0
  bool is_job_limit_confirmed_ = false;
};

}  // namespace charrnn
