// SGD with momentum (Sutskever et al. 2013 for Nesterov's), RMSprop (Tieleman and Hinton 2012), Adam (Kingma
// and Ba 2014, AMSGrad: Reddi et al. 2018) and AdamW (Loshchilov and Hutter 2017), as PyTorch defines them,
// over the flat buffers, in one pass that also clips and scales: with LibTorch's fused kernels on any device;
// RMSprop, which has no fused kernel, block by block.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

#include "charrnn/config/optimizer_settings.h"

namespace charrnn {

class Optimizer {
 public:
  // `values` (P) are the weights to update; moments start at zero.
  Optimizer(const OptimizerSettings& settings, const at::Tensor& values);

  // Updates `values` (P) by `gradients` (P). Gradients are divided by `divisor` (float) first, unless it is
  // undefined; if `is_applied` (bool) is false, nothing happens and no update is counted; undefined means
  // true. Both are scalars on the device, which the host does not read. Gradients may be overwritten.
  void update(const at::Tensor& values, const at::Tensor& gradients, double learning_rate,
              const at::Tensor& divisor = {}, const at::Tensor& is_applied = {});

  // Sets the number of updates made so far, for a run that is resumed.
  void set_updates(int64_t updates) { updates_.fill_(updates); }

  // Flat buffers of P elements under PyTorch's names: momentum_buffer; square_avg; exp_avg, exp_avg_sq and
  // max_exp_avg_sq.
  const std::map<std::string, at::Tensor>& moments() const { return moments_; }

  // For a resumed run that has not kept this moment before: initializes it from the others or to zero. False
  // if that is not possible.
  bool begin_late(const std::string& moment);

  // Bytes of moments for each byte of weights.
  static int moments_per_weight(const OptimizerSettings& settings);

 private:
  OptimizerSettings settings_;
  at::Tensor updates_;  // so far: a float on the device
  std::map<std::string, at::Tensor> moments_;
};

}  // namespace charrnn
