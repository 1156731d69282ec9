// With train.schedule plateau the learning rate falls when the validation loss no longer does: PyTorch's
// ReduceLROnPlateau with mode="min" and threshold_mode="rel".
#pragma once

#include <cstdint>

#include "charrnn/checkpoint/saved_states.h"
#include "charrnn/config/schedule_settings.h"

namespace charrnn {

class Plateau {
 public:
  // Takes in a validation value. Better is below best * (1 - threshold); after more than `patience` values in
  // a row that are not, the rate is multiplied by `factor`, but stays at final_fraction of it at least. A
  // loss that is NaN is not better. True if the rate was cut.
  bool add(double loss_nats, const ScheduleSettings& settings);

  double rate_factor() const { return fields_.rate_factor; }

  void save(SavedStates& saved) const { saved.put("plateau", fields_); }
  void restore(const SavedStates& saved) { fields_ = saved.get<Fields>("plateau"); }

 private:
  struct Fields {
    double best = 0;           // nats; 0 before the first value
    int64_t values_since = 0;  // the best, or the last cut
    int64_t cooldown_left = 0;
    double rate_factor = 1;  // what the cuts left of the learning rate

    template <class Self, class Visitor>
    static void visit(Self& fields, const Visitor& v) {
      v("best", fields.best);
      v("values_since", fields.values_since);
      v("cooldown_left", fields.cooldown_left);
      v("rate_factor", fields.rate_factor);
    }
  };

  Fields fields_;
};

}  // namespace charrnn
