// The loss is multiplied before backward and gradients divided after it, so that small ones are not rounded
// to zero in fp16: by a power of two that halves after a step whose gradient is not finite and doubles after
// 2,000 good ones (Micikevicius et al. 2018, as PyTorch's GradScaler). All of it stays on the device.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/checkpoint/saved_states.h"
#include "charrnn/config/train_settings.h"

namespace charrnn {

class LossScale {
 public:
  // 1 and fixed, except with fp16.
  LossScale(Precision precision, at::Device device);

  bool is_on() const { return is_on_; }
  const at::Tensor& value() const { return scale_; }  // a float on the device

  // After a step; `skip` (a float on the device) is 1 where its gradient was not finite.
  void step_over(const at::Tensor& skip);

  void save(SavedStates& saved) const;  // waits for the device
  void restore(const SavedStates& saved);

 private:
  struct Fields {
    double scale = 65536;
    int64_t good_steps = 0;  // since it changed

    template <class Self, class Visitor>
    static void visit(Self& fields, const Visitor& v) {
      v("scale", fields.scale);
      v("good_steps", fields.good_steps);
    }
  };

  bool is_on_;
  Fields kept_;  // while it is off: a run may return to fp16
  at::Tensor scale_;
  at::Tensor good_steps_;  // int32
};

}  // namespace charrnn
