// Options of charrnn_train's command line that are not settings, and the stop token of the run.
#pragma once

#include <cstdint>
#include <optional>

#include "charrnn/config/settings.h"
#include "charrnn/core/stop_token.h"

namespace charrnn {

struct TrainOptions {
  std::optional<double> fit_seconds;                 // choose train.steps so that the run takes this long
  std::optional<int64_t> max_steps;                  // stop after this step of the run
  std::optional<double> max_seconds;                 // stop after this time in this process
  Precision automatic_precision = Precision::kFp32;  // meaning of train.precision: auto on this device
  StopToken stop;                                    // ends the run after the current step, saved
};

}  // namespace charrnn
