// train.on_divergence: rollback. A run that diverged returns to a good checkpoint, with a lower learning
// rate.
#pragma once

#include <cstdint>

#include "charrnn/checkpoint/saved_states.h"
#include "charrnn/config/settings.h"

namespace charrnn {

class Rollback {
 public:
  // The step that the last rollback returned to, -1 before the first. The next prefers another checkpoint.
  int64_t last_step() const { return fields_.last_step; }
  int64_t count() const { return fields_.count; }
  double rate_factor() const { return fields_.rate_factor; }  // of the learning rate
  // The step of the newest good checkpoint, which is kept; -1 before the first.
  int64_t good_step() const { return fields_.good_step; }

  bool is_exhausted(const TrainSettings& settings) const { return fields_.count >= settings.max_rollbacks; }
  void note_good(int64_t step) { fields_.good_step = step; }
  void went_back_to(int64_t step, const TrainSettings& settings);

  void save(SavedStates& saved) const { saved.put("rollback", fields_); }
  void restore(const SavedStates& saved) { fields_ = saved.get<Fields>("rollback"); }

 private:
  struct Fields {
    int64_t good_step = -1;
    int64_t count = 0;
    int64_t last_step = -1;
    double rate_factor = 1;

    template <class Self, class Visitor>
    static void visit(Self& fields, const Visitor& v) {
      v("good_step", fields.good_step);
      v("count", fields.count);
      v("last_step", fields.last_step);
      v("rate_factor", fields.rate_factor);
    }
  };

  Fields fields_;
};

}  // namespace charrnn
