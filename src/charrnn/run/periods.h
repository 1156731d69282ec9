// What is due after a step: a line, an evaluation, samples, a checkpoint.
#pragma once

#include <cstdint>

#include "charrnn/config/settings.h"

namespace charrnn {

struct Due {
  bool log = false;
  bool evaluate = false;
  bool sample = false;
  bool save = false;
  bool check_replicas = false;

  bool any() const { return log || evaluate || sample || save || check_replicas; }
};

class Periods {
 public:
  // Both as they are before the first step; `epoch` has the part of the epoch that was read.
  Periods(const Settings& settings, int64_t total_steps, double epoch)
      : settings_(settings), total_steps_(total_steps), epoch_(epoch) {}

  // After `step` that ended at `epoch`. Due is the step that reaches the end of a whole number of periods,
  // and all that is on after the last step.
  Due after(int64_t step, double epoch);

  // A rollback went back to there.
  void go_back_to(double epoch) { epoch_ = epoch; }

 private:
  const Settings& settings_;
  int64_t total_steps_;
  double epoch_;  // after the last step
};

}  // namespace charrnn
