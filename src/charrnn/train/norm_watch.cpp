#include "charrnn/train/norm_watch.h"

#include <algorithm>
#include <cmath>

namespace charrnn {

bool is_spike(NormStatistics& statistics, double norm, double limit_z) {
  const double limit = statistics.mean + limit_z * std::sqrt(statistics.variance);
  const bool spike = statistics.count >= kNormsToLearn && norm > limit;
  // The first norms have equal weights; later the weight of old ones fades over about a hundred steps.
  const double weight = 1.0 / static_cast<double>(std::min<int64_t>(++statistics.count, 100));
  const double difference = (spike ? limit : norm) - statistics.mean;
  const double increment = weight * difference;
  statistics.mean += increment;
  statistics.variance = (1 - weight) * (statistics.variance + difference * increment);
  return spike;
}

}  // namespace charrnn
