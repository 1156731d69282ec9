// The loss is multiplied before backward and gradients divided after it, so that small ones are no zeros in
// fp16: by a power of two that halves after a step whose gradient is not finite and doubles after 2,000 good
// ones (Micikevicius et al. 2018, as PyTorch's GradScaler). All of it stays on the device.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/config/settings.h"

namespace charrnn {

class LossScale {
 public:
  // 1 and fixed but for fp16.
  LossScale(Precision precision, at::Device device, const LossScaleState& state);

  bool is_on() const { return is_on_; }
  const at::Tensor& value() const { return scale_; }  // a float on the device

  // After a step; `skip` (a float on the device) is 1 where its gradient was not finite.
  void step_over(const at::Tensor& skip);

  LossScaleState state() const;  // waits for the device

 private:
  bool is_on_;
  at::Tensor scale_;
  at::Tensor good_steps_;  // int32
};

}  // namespace charrnn
