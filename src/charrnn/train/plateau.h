// train.schedule plateau: reduces the learning rate when the validation loss no longer falls, as PyTorch's
// ReduceLROnPlateau with mode="min" and threshold_mode="rel".
#pragma once

#include <cstdint>

#include "charrnn/checkpoint/saved_states.h"
#include "charrnn/config/schedule_settings.h"

namespace charrnn {

class Plateau {
 public:
  // Adds a validation value. It is better if it is below best * (1 - threshold); after more than `patience`
  // values in a row that are not better, the rate is multiplied by `factor`, down to final_fraction of the
  // full rate. NaN is not better. True if the rate was cut.
  bool add(double loss_nats, const ScheduleSettings& settings);

  double rate_factor() const { return fields_.rate_factor; }

  void save(SavedStates& saved) const { saved.put("plateau", fields_); }
  void restore(const SavedStates& saved) { fields_ = saved.get<Fields>("plateau"); }

 private:
  struct Fields {
    double best = 0;           // nats; 0 before the first value
    int64_t values_since = 0;  // values since the best, or since the last cut
    int64_t cooldown_left = 0;
    double rate_factor = 1;  // of the learning rate, after all cuts

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
