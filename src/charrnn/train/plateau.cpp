#include "charrnn/train/plateau.h"

#include <algorithm>
#include <cmath>

namespace charrnn {

bool Plateau::add(double loss_nats, const ScheduleSettings& settings) {
  const bool is_better =
      fields_.best == 0 ? std::isfinite(loss_nats) : loss_nats < fields_.best * (1 - settings.threshold);
  if (is_better) {
    fields_.best = loss_nats;
    fields_.values_since = 0;
  } else {
    ++fields_.values_since;
  }
  if (fields_.cooldown_left > 0) {
    --fields_.cooldown_left;
    fields_.values_since = 0;
  }
  if (fields_.values_since <= settings.patience) return false;
  fields_.cooldown_left = settings.cooldown;
  fields_.values_since = 0;
  const double before = fields_.rate_factor;
  fields_.rate_factor = std::max(before * settings.factor, settings.final_fraction);
  return fields_.rate_factor < before;
}

}  // namespace charrnn
