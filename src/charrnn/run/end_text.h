// What a run prints at its end.
#pragma once

#include <cstdint>
#include <string>

#include "charrnn/config/settings.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/run/stop_rules.h"
#include "charrnn/run/validation.h"

namespace charrnn {

// A line for the screen; "" if the run diverged, which was an error already.
std::string end_text(RunEnd end, const Settings& settings, int64_t step, const Validation& validation);

// "stopped on request (SIGTERM) after step 12 ...": a warning, as the run is not complete.
std::string interruption_text(StopReason agreed, int64_t step, StopToken stop);

// For a start in a folder whose run is complete.
std::string nothing_left_text(const Settings& settings, int64_t steps, const Validation& validation);

// "; lower train.optimizer.learning_rate ...", unless train.on_divergence: rollback does something about it.
std::string advice_after_divergence(const TrainSettings& settings);

}  // namespace charrnn
