#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace charrnn {

double batch_scale(const TrainSettings& settings) {
  if (settings.scale_learning_rate == RateScale::kNone) return 1;
  const double ratio =
      static_cast<double>(settings.batch_size) / static_cast<double>(settings.reference_batch_size.value());
  return settings.scale_learning_rate == RateScale::kLinear ? ratio : std::sqrt(ratio);
}

double learning_rate(const TrainSettings& settings, int64_t step, int64_t total_steps) {
  const double rate = settings.optimizer.learning_rate * batch_scale(settings);
  const int64_t warmup = settings.schedule.warmup_steps;
  if (step < warmup) return rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (settings.schedule.name == ScheduleName::kConstant) return rate;
  const double progress = std::min(1.0, static_cast<double>(step - warmup) /
                                            static_cast<double>(std::max<int64_t>(1, total_steps - warmup)));
  const double last = settings.schedule.final_fraction;
  return rate * (last + (1.0 - last) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

}  // namespace charrnn
