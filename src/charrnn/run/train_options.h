// What the command line of charrnn_train adds to the config, and what may stop the run.
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
  Precision automatic_precision = Precision::kFp32;  // what train.precision: auto is on this device
  StopToken stop;                                    // after the current step, saved
};

}  // namespace charrnn
