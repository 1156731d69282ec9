#include "charrnn/core/running_clock.h"

namespace charrnn {

RunningClock& running_clock() {
  static RunningClock clock;
  return clock;
}

}  // namespace charrnn
