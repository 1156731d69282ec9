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
  // `epoch` is the number of epochs read before the first step, with the fraction of the current one.
  Periods(const Settings& settings, int64_t total_steps, double epoch)
      : settings_(settings), total_steps_(total_steps), epoch_(epoch) {}

  // What is due after `step`, which ended at `epoch`: whatever reaches the end of a period with this step,
  // and after the last step everything that is enabled.
  Due after(int64_t step, double epoch);

  // After a rollback to `epoch`.
  void go_back_to(double epoch) { epoch_ = epoch; }

 private:
  const Settings& settings_;
  int64_t total_steps_;
  double epoch_;  // after the last step
};

}  // namespace charrnn
