// Tells a gradient norm that lies far above those before it, by its z-score: how many standard deviations it
// is above the running mean. Mean and variance are exponentially weighted (Finch 2009, "Incremental
// calculation of weighted mean and variance", section 9) and travel in checkpoints.
#pragma once

#include <cstdint>

#include "charrnn/checkpoint/checkpoint.h"

namespace charrnn {

inline constexpr int64_t kNormsToLearn = 50;  // none of the first ones is a spike

// Whether NORM, which must be finite, is a spike; counts it in. A spike counts as no more than the limit, so
// that a lasting rise becomes the new normal.
bool is_spike(NormStatistics& statistics, double norm, double limit_z);

}  // namespace charrnn
