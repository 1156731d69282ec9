#include "charrnn/train/schedule.h"

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
  const ScheduleSettings& schedule = settings.schedule;
  const auto done = static_cast<double>(step - warmup);
  const double progress =
      std::min(1.0, done / static_cast<double>(std::max<int64_t>(1, total_steps - warmup)));
  const double last = schedule.final_fraction;
  switch (schedule.name) {
    case ScheduleName::kConstant:
    case ScheduleName::kPlateau:  // constant until validation values say otherwise (plateau.h)
      break;
    case ScheduleName::kStep:
      return rate * std::pow(schedule.factor, std::floor(done / static_cast<double>(schedule.step_size)));
    case ScheduleName::kLinear:
      return rate * (1.0 + (last - 1.0) * progress);
    case ScheduleName::kCosine:
      return rate * (last + (1.0 - last) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
    case ScheduleName::kInverseSqrt: {
      const auto scale = static_cast<double>(std::max<int64_t>(1, warmup));
      return rate * std::sqrt(scale / (scale + done));
    }
  }
  return rate;
}

Schedule configured_schedule(const TrainSettings& settings, int64_t total_steps) {
  return [settings, total_steps](int64_t step) { return learning_rate(settings, step, total_steps); };
}

}  // namespace charrnn
