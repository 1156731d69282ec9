// A whole run: steps, and around the steps logs, evaluates, samples and saves, until it is finished or told
// to stop.
#pragma once

#include <optional>

#include "charrnn/comm/communicator.h"
#include "charrnn/run/periods.h"
#include "charrnn/run/prepare_run.h"
#include "charrnn/run/rollback.h"
#include "charrnn/run/run_keeper.h"
#include "charrnn/run/run_log.h"
#include "charrnn/run/stop_rules.h"
#include "charrnn/run/train_options.h"
#include "charrnn/run/validation.h"
#include "charrnn/train/trainer.h"

namespace charrnn {

class TrainingRun {
 public:
  // Every rank constructs it; what a checkpoint holds is restored, and the folder written. `options` must
  // outlive it.
  TrainingRun(PreparedRun parts, const TrainOptions& options, Communicator& comm);
  TrainingRun(const TrainingRun&) = delete;  // its parts refer to each other
  TrainingRun& operator=(const TrainingRun&) = delete;

  RunEnd run();

  int64_t steps_made() const { return steps_made_; }  // by this process

 private:
  void restore(const Checkpoint& checkpoint);
  void set_rate();
  std::optional<RunEnd> start();  // the end, if there is nothing to do
  bool evaluate();                // true if it is the best so far
  void sample();
  bool is_something_postponed() const;  // by a signal, on any rank; every rank calls it
  bool roll_back();                     // false if that is not asked for, or was done too often
  void save(bool is_best, std::optional<RunEnd> end = {});
  RunEnd finish(RunEnd end);
  RunEnd leave(RunEnd end);  // throws AgreedError if a file could not be written

  PreparedRun parts_;
  const Settings& settings_;
  const TrainOptions& options_;
  Communicator& comm_;
  bool is_first_;  // rank 0: speaks and writes
  Trainer trainer_;
  Validation validation_;
  Rollback rollback_;
  RunLog log_;
  RunKeeper keeper_;
  StopRules stop_rules_;
  Periods periods_;
  bool are_samples_postponed_ = false;
  int64_t steps_made_ = 0;
};

}  // namespace charrnn
