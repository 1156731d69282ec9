#include "charrnn/run/periods.h"

#include <cmath>

namespace charrnn {

Due Periods::after(int64_t step, double epoch) {
  const bool is_last = step == total_steps_;
  const auto reaches_end = [&](const Period& every) {
    const double now = every.in_epochs ? epoch : static_cast<double>(step);
    const double before = every.in_epochs ? epoch_ : static_cast<double>(step - 1);
    return every.is_on() && std::floor(now / every.count) > std::floor(before / every.count);
  };
  const auto is_due = [&](const Period& every) { return every.is_on() && (is_last || reaches_end(every)); };
  const Due due{is_last || reaches_end(settings_.train.log_every), is_due(settings_.evaluate.every),
                is_due(settings_.sample.every), is_last || reaches_end(settings_.checkpoint.every),
                reaches_end(static_cast<double>(settings_.comm.check_replicas_every))};
  epoch_ = epoch;
  return due;
}

}  // namespace charrnn
