// Options of charrnn_train's command line that are not settings.
#pragma once

#include <cstdint>
#include <optional>

#include "charrnn/config/settings.h"

namespace charrnn {

struct TrainOptions {
  std::optional<double> fit_seconds;                 // choose train.steps so that the run takes this long
  std::optional<int64_t> max_steps;                  // stop after this step of the run
  std::optional<double> max_seconds;                 // stop after this time in this process
  Precision automatic_precision = Precision::kFp32;  // meaning of train.precision: auto on this device
};

}  // namespace charrnn
