// The section `evaluate`: values on the validation split while a run trains.
#pragma once

#include <cstdint>
#include <optional>

#include "charrnn/config/enum_names.h"
#include "charrnn/config/period.h"

namespace charrnn {

// Of the last step, or their running average (train.average_decay).
enum class WeightsUsed { kLast, kAverage };
constexpr auto names_of(WeightsUsed) {
  return enum_names("last", "average");
}

struct EvaluateSettings {
  Period every = 1000;
  int64_t lanes = 32;  // parts of the split that are read in parallel
  WeightsUsed weights = WeightsUsed::kLast;
  std::optional<int64_t> patience;  // values in a row that are not the best, after which the run ends
};

}  // namespace charrnn
