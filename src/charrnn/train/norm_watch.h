// Detects gradient norms far above the previous ones by their z-score: the number of standard deviations
// above the running mean. Mean and variance are exponentially weighted (Finch 2009, "Incremental calculation
// of weighted mean and variance", section 9).
#pragma once

#include <cstdint>

#include "charrnn/checkpoint/saved_states.h"

namespace charrnn {

class NormWatch {
 public:
  static constexpr int64_t kNormsToLearn = 50;  // the first norms, which are never spikes

  // Whether `norm`, which must be finite, is a spike; adds it to the statistics. A spike is added as the
  // limit, so that after a lasting rise norms are no longer spikes.
  bool is_spike(double norm, double limit_z);

  int64_t count() const { return fields_.count; }
  double mean() const { return fields_.mean; }
  double variance() const { return fields_.variance; }

  void save(SavedStates& saved) const { saved.put("gradient_norms", fields_); }
  void restore(const SavedStates& saved) { fields_ = saved.get<Fields>("gradient_norms"); }

 private:
  struct Fields {
    int64_t count = 0;
    double mean = 0;
    double variance = 0;

    template <class Self, class Visitor>
    static void visit(Self& fields, const Visitor& v) {
      v("count", fields.count);
      v("mean", fields.mean);
      v("variance", fields.variance);
    }
  };

  Fields fields_;
};

}  // namespace charrnn
