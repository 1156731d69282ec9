// SGD with momentum (Sutskever et al. 2013 for Nesterov's), RMSprop (Tieleman and Hinton 2012), Adam (Kingma
// and Ba 2014, AMSGrad: Reddi et al. 2018) and AdamW (Loshchilov and Hutter 2017), as PyTorch defines them,
// over the flat buffers; all but RMSprop in one fused pass by LibTorch's kernels, on any device.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

#include "config/settings.h"

namespace charrnn {

class Optimizer {
 public:
  // `values` (P) is what it will update; moments start at zero.
  Optimizer(const OptimizerSettings& settings, const at::Tensor& values);

  // Update number `updates` (1 for the first) of `values` (P) by `gradients` (P).
  void update(at::Tensor values, at::Tensor gradients, double learning_rate, int64_t updates);

  // Flat buffers of P elements under PyTorch's names: momentum_buffer; square_avg; exp_avg, exp_avg_sq and
  // max_exp_avg_sq.
  const std::map<std::string, at::Tensor>& moments() const { return moments_; }

  // For a run that asks for this moment only now: it begins as if it had been kept with the others. False
  // where it cannot.
  bool begin_late(const std::string& moment);

  // Bytes of moments for each byte of weights.
  static int moments_per_weight(const OptimizerSettings& settings);

 private:
  void update_rmsprop(at::Tensor values, at::Tensor gradients, double learning_rate);

  OptimizerSettings settings_;
  std::map<std::string, at::Tensor> moments_;
};

}  // namespace charrnn
