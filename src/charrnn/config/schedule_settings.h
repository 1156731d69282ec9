// The section `train.schedule`: the learning rate over the steps of a run.
#pragma once

#include <cstdint>

#include "charrnn/config/enum_names.h"

namespace charrnn {

enum class ScheduleName { kConstant, kStep, kLinear, kCosine, kInverseSqrt, kPlateau };
constexpr auto names_of(ScheduleName) {
  return enum_names("constant", "step", "linear", "cosine", "inverse_sqrt", "plateau");
}

struct ScheduleSettings {
  ScheduleName name = ScheduleName::kConstant;
  int64_t warmup_steps = 0;     // linear rise to the full rate
  double final_fraction = 0.0;  // linear, cosine: last rate as a part of the full one; plateau: the lowest
  int64_t step_size = 1000;     // step: steps between two cuts
  double factor = 0.1;          // step, plateau: each cut multiplies the rate by it
  int64_t patience = 10;        // plateau: validation values in a row without improvement before a cut
  double threshold = 1e-4;      // plateau: decrease, relative to the best, that counts as better
  int64_t cooldown = 0;         // plateau: values after a cut that do not count
};

}  // namespace charrnn
