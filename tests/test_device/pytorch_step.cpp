#include "test_device/pytorch_step.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace charrnn {
namespace {

constexpr double kLearningRate = 1e-3;
constexpr double kClipNorm = 1.0;

int64_t gates(Cell cell) {
  return cell == Cell::kLstm ? 4 : cell == Cell::kGru ? 3 : 1;
}

int64_t cudnn_mode(Cell cell) {
  return cell == Cell::kRnnRelu ? 0 : cell == Cell::kRnnTanh ? 1 : cell == Cell::kLstm ? 2 : 3;
}

using PlainLayer = std::tuple<at::Tensor, at::Tensor> (*)(const at::Tensor&, const at::Tensor&,
                                                          at::TensorList, bool, int64_t, double, bool, bool,
                                                          bool);
PlainLayer plain_layer(Cell cell) {
  if (cell == Cell::kGru) return at::gru;
  if (cell == Cell::kRnnTanh) return at::rnn_tanh;
  return at::rnn_relu;
}

}  // namespace

PytorchStep::PytorchStep(const PytorchShape& shape, at::Device device, int64_t lanes) : shape_(shape) {
  const c10::AutoGradMode no_grad(false);
  const auto options = at::TensorOptions().device(device);
  const at::Generator generator = at::detail::createCPUGenerator();
  const double bound = 1.0 / std::sqrt(static_cast<double>(shape.hidden));
  const auto add = [&](at::IntArrayRef sizes) {
    weights_.push_back(at::empty(sizes).uniform_(-bound, bound, generator).to(device));
  };
  const int64_t rows = gates(shape.cell) * shape.hidden;
  add({shape.vocabulary, shape.embedding});
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    add({rows, layer == 0 ? shape.embedding : shape.hidden});
    add({rows, shape.hidden});
    add({rows});
    add({rows});
  }
  const std::vector<at::Tensor> recurrent(weights_.begin() + 1, weights_.end());
  if (!device.is_cpu()) {  // nn.LSTM.flatten_parameters
    at::_cudnn_rnn_flatten_weight(recurrent, 4, shape.embedding, cudnn_mode(shape.cell), shape.hidden, 0,
                                  shape.layers, /*batch_first=*/false, /*bidirectional=*/false);
  }
  add({shape.vocabulary, shape.hidden});
  add({shape.vocabulary});
  for (at::Tensor& weight : weights_) {
    first_moments_.push_back(at::zeros_like(weight));
    second_moments_.push_back(at::zeros_like(weight));
    steps_.push_back(at::zeros({}, options));
    weight.requires_grad_(true);
  }
  h_ = at::zeros({shape.layers, lanes, shape.hidden}, options);
  if (shape.cell == Cell::kLstm) c_ = at::zeros_like(h_);
}

at::Tensor PytorchStep::run(const at::Tensor& ids, const at::Tensor& targets) {
  for (at::Tensor& weight : weights_) weight.mutable_grad() = at::Tensor();  // zero_grad(set_to_none=True)
  const at::Tensor loss = forward(ids, targets);
  loss.backward();
  const c10::AutoGradMode no_grad(false);
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& weight : weights_) gradients.push_back(weight.grad());
  clip(gradients);
  update(gradients);
  return loss.detach();
}

at::Tensor PytorchStep::forward(const at::Tensor& ids, const at::Tensor& targets) {
  const std::vector<at::Tensor> recurrent(weights_.begin() + 1, weights_.end() - 2);
  const at::Tensor embedded = at::embedding(weights_.front(), ids);
  constexpr bool kHasBiases = true;
  constexpr bool kTraining = true;
  constexpr bool kBidirectional = false;
  constexpr bool kBatchFirst = false;
  constexpr double kDropoutBetween = 0;  // part of cuDNN's kernels, not another operation
  at::Tensor output;
  if (shape_.cell == Cell::kLstm) {
    std::tie(output, h_, c_) = at::lstm(embedded, {h_, c_}, recurrent, kHasBiases, shape_.layers,
                                        kDropoutBetween, kTraining, kBidirectional, kBatchFirst);
    c_ = c_.detach();
  } else {
    const PlainLayer layer = plain_layer(shape_.cell);
    std::tie(output, h_) = layer(embedded, h_, recurrent, kHasBiases, shape_.layers, kDropoutBetween,
                                 kTraining, kBidirectional, kBatchFirst);
  }
  h_ = h_.detach();
  output = at::dropout(output, shape_.dropout, kTraining);
  const at::Tensor logits = at::linear(output, *(weights_.end() - 2), weights_.back());
  return at::cross_entropy_loss(logits.flatten(0, 1), targets.flatten());
}

// torch.nn.utils.clip_grad_norm_
void PytorchStep::clip(const std::vector<at::Tensor>& gradients) const {
  const at::Tensor norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)), 2);
  const at::Tensor factor = (norm + 1e-6).reciprocal() * kClipNorm;
  at::_foreach_mul_(gradients, factor.clamp_max(1.0));
}

// torch.optim.AdamW(fused=True)
void PytorchStep::update(const std::vector<at::Tensor>& gradients) {
  at::_foreach_add_(steps_, 1);
  at::_fused_adamw_(weights_, gradients, first_moments_, second_moments_, /*max_exp_avg_sqs=*/{}, steps_,
                    kLearningRate, /*beta1=*/0.9, /*beta2=*/0.999, /*weight_decay=*/1e-2, /*eps=*/1e-8,
                    /*amsgrad=*/false, /*maximize=*/false);
}

}  // namespace charrnn
