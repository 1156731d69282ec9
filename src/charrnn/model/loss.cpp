#include "charrnn/model/loss.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "charrnn/core/error.h"
#include "charrnn/model/buffers.h"
#include "charrnn/model/cpu/vector_math.h"

namespace charrnn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Turns the logarithms of probabilities (N, V) into the gradient of the logits, in place.
void become_gradient(at::Tensor log_probabilities, const at::Tensor& targets) {
  const at::Tensor none = targets.eq(kNoTarget).unsqueeze(1);
  log_probabilities.exp_().scatter_add_(1, targets.clamp_min(0).unsqueeze(1),
                                        at::full({1, 1}, -1.0F).expand({targets.size(0), 1}));
  if (none.any().item<bool>()) log_probabilities.masked_fill_(none, 0);
}

struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& targets, bool keep);
  static variable_list backward(AutogradContext* context, const variable_list& gradients);
};

at::Tensor LinearCrossEntropy::forward(AutogradContext* context, const at::Tensor& x,
                                       const at::Tensor& weight, const at::Tensor& bias,
                                       const at::Tensor& targets, bool keep) {
  initialize_vector_math();
  const int64_t N = x.size(0);
  const int64_t V = weight.size(0);
  const int64_t rows = std::clamp<int64_t>(kLossBlockElements / V, 1, std::max<int64_t>(N, 1));
  const at::Tensor logits_room = take_buffer({rows, V});
  const at::Tensor logarithms_room = take_buffer({rows, V});
  at::Tensor grad_x;
  at::Tensor grad_weight;
  at::Tensor grad_bias;
  if (keep) {
    grad_x = take_buffer(x.sizes());
    grad_weight = take_buffer(weight.sizes()).zero_();
    grad_bias = at::zeros_like(bias);
  }
  at::Tensor sum = at::zeros({}, x.options());
  for (int64_t first = 0; first < N; first += rows) {
    const int64_t count = std::min(rows, N - first);
    const at::Tensor block_x = x.narrow(0, first, count);
    const at::Tensor block_targets = targets.narrow(0, first, count);
    at::Tensor logits = logits_room.narrow(0, 0, count);
    at::Tensor logarithms = logarithms_room.narrow(0, 0, count);
    at::addmm_out(logits, bias, block_x, weight.t());
    at::_log_softmax_out(logarithms, logits, 1, /*half_to_float=*/false);
    sum += at::nll_loss(logarithms, block_targets, {}, at::Reduction::Sum, kNoTarget);
    if (!keep) continue;
    become_gradient(logarithms, block_targets);
    at::Tensor block_grad_x = grad_x.narrow(0, first, count);
    at::mm_out(block_grad_x, logarithms, weight);
    grad_weight.addmm_(logarithms.t(), block_x);
    grad_bias += logarithms.sum(0);
  }
  if (keep) context->save_for_backward({grad_x, grad_weight, grad_bias});
  return sum;
}

variable_list LinearCrossEntropy::backward(AutogradContext* context, const variable_list& gradients) {
  check(context->saved_data.count("used") == 0,
        "what the loss kept was used up by an earlier backward; call forward again");
  context->saved_data["used"] = true;
  variable_list made = context->get_saved_variables();
  for (at::Tensor& gradient : made) gradient.mul_(gradients[0]);
  made.insert(made.end(), {at::Tensor(), at::Tensor()});
  return made;
}

}  // namespace

at::Tensor cross_entropy_sum(const at::Tensor& logits, const at::Tensor& targets) {
  return at::cross_entropy_loss(logits.flatten(0, -2), targets.flatten(), {}, at::Reduction::Sum, kNoTarget);
}

at::Tensor linear_cross_entropy_sum(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                    const at::Tensor& targets) {
  return LinearCrossEntropy::apply(x, weight, bias, targets, c10::GradMode::is_enabled());
}

}  // namespace charrnn
