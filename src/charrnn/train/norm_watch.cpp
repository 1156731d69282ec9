#include "charrnn/train/norm_watch.h"

#include <algorithm>
#include <cmath>

namespace charrnn {

bool NormWatch::is_spike(double norm, double limit_z) {
  const double limit = fields_.mean + limit_z * std::sqrt(fields_.variance);
  const bool spike = fields_.count >= kNormsToLearn && norm > limit;
  // The first norms have equal weights; later the weight of old norms decays over about a hundred steps.
  const double weight = 1.0 / static_cast<double>(std::min<int64_t>(++fields_.count, 100));
  const double difference = (spike ? limit : norm) - fields_.mean;
  const double increment = weight * difference;
  fields_.mean += increment;
  fields_.variance = (1 - weight) * (fields_.variance + difference * increment);
  return spike;
}

}  // namespace charrnn
