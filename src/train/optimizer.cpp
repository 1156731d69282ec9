#include "train/optimizer.h"

#include <c10/core/GradMode.h>

namespace charrnn {
namespace {

bool is_adam(const OptimizerSettings& settings) {
  return settings.name == OptimizerName::kAdam || settings.name == OptimizerName::kAdamW;
}

std::vector<std::string> names_of_moments(const OptimizerSettings& settings) {
  std::vector<std::string> names;
  if (is_adam(settings)) names = {"exp_avg", "exp_avg_sq"};
  if (is_adam(settings) && settings.amsgrad) names.push_back("max_exp_avg_sq");
  if (settings.name == OptimizerName::kRmsprop) names.push_back("square_avg");
  if (!is_adam(settings) && settings.momentum > 0) names.push_back("momentum_buffer");
  return names;
}

}  // namespace

Optimizer::Optimizer(const OptimizerSettings& settings, const at::Tensor& values) : settings_(settings) {
  for (const std::string& name : names_of_moments(settings_)) moments_[name] = at::zeros_like(values);
}

bool Optimizer::begin_late(const std::string& moment) {
  if (moment == "max_exp_avg_sq") moments_.at(moment).copy_(moments_.at("exp_avg_sq"));
  return moment == "max_exp_avg_sq" || moment == "momentum_buffer";
}

void Optimizer::update(at::Tensor values, at::Tensor gradients, double learning_rate, int64_t updates) {
  const c10::AutoGradMode no_grad(false);
  if (settings_.name == OptimizerName::kRmsprop) return update_rmsprop(values, gradients, learning_rate);
  const auto moment = [&](const char* name) {
    const auto found = moments_.find(name);
    return found == moments_.end() ? std::vector<at::Tensor>() : std::vector{found->second};
  };
  if (settings_.name == OptimizerName::kSgd) {
    at::_fused_sgd_({values}, {gradients}, moment("momentum_buffer"), settings_.weight_decay,
                    settings_.momentum, learning_rate, /*dampening=*/0.0, settings_.nesterov,
                    /*maximize=*/false, /*is_first_step=*/updates == 1);
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
  fused(std::vector{values}, std::vector{gradients}, moment("exp_avg"), moment("exp_avg_sq"),
        moment("max_exp_avg_sq"), std::vector{step}, learning_rate, settings_.beta1, settings_.beta2,
        settings_.weight_decay, settings_.epsilon, settings_.amsgrad,
        /*maximize=*/false);
}

void Optimizer::update_rmsprop(at::Tensor values, at::Tensor gradients, double learning_rate) {
  if (settings_.weight_decay > 0) gradients = gradients + settings_.weight_decay * values;
  at::Tensor& square_avg = moments_.at("square_avg");
  square_avg.mul_(settings_.alpha).addcmul_(gradients, gradients, 1 - settings_.alpha);
  const at::Tensor root = square_avg.sqrt().add_(settings_.epsilon);
  if (settings_.momentum == 0) {
    values.addcdiv_(gradients, root, -learning_rate);
    return;
  }
  at::Tensor& momentum = moments_.at("momentum_buffer");
  momentum.mul_(settings_.momentum).addcdiv_(gradients, root);
  values.add_(momentum, -learning_rate);
}

int Optimizer::moments_per_weight(const OptimizerSettings& settings) {
  return static_cast<int>(names_of_moments(settings).size());
}

}  // namespace charrnn
