#include "charrnn/train/plateau.h"

#include <algorithm>
#include <cmath>

namespace charrnn {

bool watch_plateau(PlateauState& state, double loss_nats, const ScheduleSettings& settings) {
  const bool is_better =
      state.best == 0 ? std::isfinite(loss_nats) : loss_nats < state.best * (1 - settings.threshold);
  if (is_better) {
    state.best = loss_nats;
    state.values_since = 0;
  } else {
    ++state.values_since;
  }
  if (state.cooldown_left > 0) {
    --state.cooldown_left;
    state.values_since = 0;
  }
  if (state.values_since <= settings.patience) return false;
  state.cooldown_left = settings.cooldown;
  state.values_since = 0;
  const double before = state.rate_factor;
  state.rate_factor = std::max(before * settings.factor, settings.final_fraction);
  return state.rate_factor < before;
}

}  // namespace charrnn
