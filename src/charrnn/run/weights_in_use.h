// While this object exists, the model has its average weights, if `which` is kAverage.
#pragma once

#include "charrnn/train/trainer.h"

namespace charrnn {

class WeightsInUse {
 public:
  WeightsInUse(Trainer& trainer, WeightsUsed which)
      : trainer_(which == WeightsUsed::kAverage ? &trainer : nullptr) {
    if (trainer_ != nullptr) trainer_->swap_average();
  }
  ~WeightsInUse() {
    if (trainer_ != nullptr) trainer_->swap_average();
  }
  WeightsInUse(const WeightsInUse&) = delete;
  WeightsInUse& operator=(const WeightsInUse&) = delete;

 private:
  Trainer* trainer_;
};

}  // namespace charrnn
