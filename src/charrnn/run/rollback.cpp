#include "charrnn/run/rollback.h"

namespace charrnn {

void Rollback::went_back_to(int64_t step, const TrainSettings& settings) {
  ++fields_.count;
  fields_.last_step = step;
  fields_.good_step = step;
  fields_.rate_factor *= settings.rollback_rate_factor;
}

}  // namespace charrnn
