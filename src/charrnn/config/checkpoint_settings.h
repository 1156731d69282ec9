// The section `checkpoint`: how often a run saves itself.
#pragma once

#include <cstdint>

#include "charrnn/config/period.h"

namespace charrnn {

struct CheckpointSettings {
  Period every = 500;
  int64_t keep = 3;  // checkpoints, in addition to the best
};

}  // namespace charrnn
