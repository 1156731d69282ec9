// The loss scale: the loss is multiplied by it before backward and gradients are divided by it afterwards, so
// that fp16 does not round small gradients to zero. It is a power of two, halved after a step whose gradient
// is not finite and doubled after 2,000 good ones (Micikevicius et al. 2018, as PyTorch's GradScaler), and
// stays on the device.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/checkpoint/saved_states.h"
#include "charrnn/config/train_settings.h"

namespace charrnn {

class LossScale {
 public:
  // Fixed at 1, except with fp16.
  LossScale(Precision precision, at::Device device);

  bool is_on() const { return is_on_; }
  const at::Tensor& value() const { return scale_; }  // a float on the device

  // Called after a step; `skip` (a float on the device) is 1 if its gradient was not finite, else 0.
  void step_over(const at::Tensor& skip);

  void save(SavedStates& saved) const;  // waits for the device
  void restore(const SavedStates& saved);

 private:
  struct Fields {
    double scale = 65536;
    int64_t good_steps = 0;  // since the scale changed

    template <class Self, class Visitor>
    static void visit(Self& fields, const Visitor& v) {
      v("scale", fields.scale);
      v("good_steps", fields.good_steps);
    }
  };

  bool is_on_;
  Fields kept_;  // while the scale is off, for a run that returns to fp16
  at::Tensor scale_;
  at::Tensor good_steps_;  // int32
};

}  // namespace charrnn
