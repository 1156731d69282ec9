// When a run stops, and why. A rule that looks at a clock is rank 0's: reason() asks the others through the
// trainer's control message (StopReason), so that all stop after the same step; a signal comes in there too.
// A rule that every rank can judge by itself, such as a number of steps, is in end_after() and stops_after().
// A new rule belongs here. Only a divergence is found elsewhere: by the trainer.
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
  kAsked,          // --max-steps or --max-seconds
  kInterrupted,    // a signal, the job's time limit or a file that cannot be written: it can be resumed
  kDiverged,       // train.max_skipped_steps
};

class StopRules {
 public:
  // All must outlive it.
  // `started`: when --max-seconds begins.
  StopRules(const Settings& settings, const TrainOptions& options, int64_t total_steps, Communicator& comm,
            Clock::time_point started);

  // What this rank asks all to stop for. `has_file_failed`: rank 0 cannot write metrics.jsonl any more.
  StopReason reason(bool has_file_failed);

  // Whether the run stops after `step`, for a reason that all ranks agreed on or at --max-steps.
  bool stops_after(int64_t step, StopReason agreed) const;
  // --max-steps or --max-seconds.
  bool is_asked_to_end(int64_t step, StopReason agreed) const {
    return is_max_step(step) || agreed == StopReason::kMaxSeconds;
  }
  // How the run ends after `step`, if it does. `is_postponed`: a signal came in the middle of an evaluation
  // or of samples.
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
  std::optional<Clock::time_point> job_limit_;  // when to stop before it; on rank 0
  bool is_job_limit_confirmed_ = false;
};

}  // namespace charrnn
