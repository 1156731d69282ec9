#include "charrnn/train/optimizer.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <optional>

namespace charrnn {
namespace {

std::vector<std::string> names_of_moments(const OptimizerSettings& settings) {
  std::vector<std::string> names;
  if (settings.is_adam()) names = {"exp_avg", "exp_avg_sq"};
  if (settings.is_adam() && settings.amsgrad) names.push_back("max_exp_avg_sq");
  if (settings.name == OptimizerName::kRmsprop) names.push_back("square_avg");
  if (!settings.is_adam() && settings.momentum > 0) names.push_back("momentum_buffer");
  return names;
}

// `moment(name)` is the buffer of that moment. `kept` (float) is 1, or 0 to leave weights and moments
// unchanged.
template <class Moment>
void update_rmsprop(const OptimizerSettings& settings, at::Tensor values, at::Tensor gradients,
                    double learning_rate, const at::Tensor& divisor, const at::Tensor& kept,
                    const Moment& moment) {
  if (divisor.defined()) gradients.div_(divisor);
  gradients = at::where(kept.ne(0), gradients, at::zeros({}, gradients.options()));  // 0 times NaN is NaN
  if (settings.weight_decay > 0) gradients = gradients + settings.weight_decay * values;
  at::Tensor square_avg = moment("square_avg");
  square_avg.lerp_(gradients * gradients, (1 - settings.alpha) * kept);
  at::Tensor step = gradients.div(square_avg.sqrt().add_(settings.epsilon));
  if (settings.momentum > 0) {
    at::Tensor momentum = moment("momentum_buffer");
    momentum.lerp_(step.add_(momentum, settings.momentum), kept);
    step = momentum;
  }
  values.addcmul_(step, kept, -learning_rate);
}

// Calls body(first element, number of elements) for parts of a flat buffer; on the CPU, parts small enough to
// stay in cache between passes.
template <class Body>
void for_blocks(const at::Tensor& flat, const Body& body) {
  constexpr int64_t block = 1 << 15;
  const int64_t count = flat.numel();
  if (!flat.is_cpu()) return body(0, count);
  at::parallel_for(0, (count + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
    const c10::AutoGradMode no_grad(false);
    for (int64_t i = begin; i < end; ++i) body(i * block, std::min(block, count - i * block));
  });
}

}  // namespace

Optimizer::Optimizer(const OptimizerSettings& settings, const at::Tensor& values)
    : settings_(settings), updates_(at::zeros({}, values.options().dtype(at::kFloat))) {
  for (const std::string& name : names_of_moments(settings_)) moments_[name] = at::zeros_like(values);
}

bool Optimizer::begin_late(const std::string& moment) {
  if (moment == "max_exp_avg_sq") moments_.at(moment).copy_(moments_.at("exp_avg_sq"));
  if (moment == "momentum_buffer") moments_.at(moment).zero_();
  return moment == "max_exp_avg_sq" || moment == "momentum_buffer";
}

void Optimizer::update(const at::Tensor& values, const at::Tensor& gradients, double learning_rate,
                       const at::Tensor& divisor, const at::Tensor& is_applied) {
  const c10::AutoGradMode no_grad(false);
  if (settings_.name == OptimizerName::kRmsprop) {
    const at::Tensor kept = is_applied.defined() ? is_applied.to(at::kFloat) : at::ones_like(updates_);
    for_blocks(values, [&](int64_t first, int64_t count) {
      update_rmsprop(settings_, values.narrow(0, first, count), gradients.narrow(0, first, count),
                     learning_rate, divisor, kept,
                     [&](const char* name) { return moments_.at(name).narrow(0, first, count); });
    });
    return;
  }
  std::optional<at::Tensor> skip;  // 1 or 0, as PyTorch's found_inf
  if (is_applied.defined()) {
    skip = at::empty_like(updates_);
    at::logical_not_out(*skip, is_applied);
  }
  const std::optional<at::Tensor> scale = divisor.defined() ? std::optional(divisor) : std::nullopt;
  const auto moment = [&](const char* name) {
    const auto found = moments_.find(name);
    return found == moments_.end() ? std::vector<at::Tensor>() : std::vector{found->second};
  };
  if (settings_.name == OptimizerName::kSgd) {
    // A first step would set the momentum to the gradient; starting from zeros has the same result.
    at::_fused_sgd_({values}, {gradients}, moment("momentum_buffer"), settings_.weight_decay,
                    settings_.momentum, learning_rate, /*dampening=*/0.0, settings_.nesterov,
                    /*maximize=*/false, /*is_first_step=*/false, scale, skip);
    return;
  }
  if (is_applied.defined()) {
    updates_.add_(is_applied);
  } else {
    updates_.add_(1);
  }
  const auto fused = [&](auto... arguments) {
    if (settings_.name == OptimizerName::kAdam) {
      at::_fused_adam_(arguments...);
    } else {
      at::_fused_adamw_(arguments...);
    }
  };
  fused(std::vector{values}, std::vector{gradients}, moment("exp_avg"), moment("exp_avg_sq"),
        moment("max_exp_avg_sq"), std::vector{updates_}, learning_rate, settings_.beta1, settings_.beta2,
        settings_.weight_decay, settings_.epsilon, settings_.amsgrad,
        /*maximize=*/false, scale, skip);
}

int Optimizer::moments_per_weight(const OptimizerSettings& settings) {
  return static_cast<int>(names_of_moments(settings).size());
}

}  // namespace charrnn
