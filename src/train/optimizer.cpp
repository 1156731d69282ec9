#include "train/optimizer.h"

#include <c10/core/GradMode.h>

namespace charrnn {
namespace {

bool is_adam(const OptimizerSettings& settings) {
  return settings.name != OptimizerName::kSgd;
}

}  // namespace

Optimizer::Optimizer(const OptimizerSettings& settings, const at::Tensor& values) : settings_(settings) {
  if (is_adam(settings_)) {
    moments_["exp_avg"] = at::zeros_like(values);
    moments_["exp_avg_sq"] = at::zeros_like(values);
  } else if (settings_.momentum > 0) {
    moments_["momentum_buffer"] = at::zeros_like(values);
  }
}

void Optimizer::update(at::Tensor values, at::Tensor gradients, double learning_rate, int64_t updates) {
  const c10::AutoGradMode no_grad(false);
  if (!is_adam(settings_)) {
    std::vector<at::Tensor> momentum;
    if (settings_.momentum > 0) momentum.push_back(moments_.at("momentum_buffer"));
    at::_fused_sgd_(
        {values}, {gradients}, momentum, settings_.weight_decay, settings_.momentum, learning_rate,
        /*dampening=*/0.0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/updates == 1);
    return;
  }
  const at::Tensor step = at::full({}, static_cast<double>(updates), values.options().dtype(at::kFloat));
  const auto fused = [&](auto... arguments) {
    if (settings_.name == OptimizerName::kAdam) {
      at::_fused_adam_(arguments...);
    } else {
      at::_fused_adamw_(arguments...);
    }
  };
  fused(std::vector{values}, std::vector{gradients}, std::vector{moments_.at("exp_avg")},
        std::vector{moments_.at("exp_avg_sq")}, std::vector<at::Tensor>(), std::vector{step}, learning_rate,
        settings_.beta1, settings_.beta2, settings_.weight_decay, settings_.epsilon, /*amsgrad=*/false,
        /*maximize=*/false);
}

int Optimizer::moments_per_weight(const OptimizerSettings& settings) {
  return is_adam(settings) ? 2 : settings.momentum > 0 ? 1 : 0;
}

}  // namespace charrnn
