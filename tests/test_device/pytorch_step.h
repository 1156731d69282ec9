// A step of training as a PyTorch program does it for charrnn's model: nn.Embedding, nn.LSTM (or nn.GRU,
// nn.RNN) with its weights flattened, nn.Dropout, nn.Linear, cross_entropy, clip_grad_norm_ and
// AdamW(fused=True), each by the operators that torch calls. What charrnn's own step is counted against.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "charrnn/config/model_settings.h"

namespace charrnn {

struct PytorchShape {
  Cell cell = Cell::kLstm;
  int64_t vocabulary = 0;
  int64_t embedding = 0;
  int64_t hidden = 0;
  int64_t layers = 1;
  double dropout = 0;  // after the last layer
};

class PytorchStep {
 public:
  // Weights on `device`, uniform in the range that nn.LSTM takes; the same each time.
  PytorchStep(const PytorchShape& shape, at::Device device, int64_t lanes);

  // ids and targets are (T, B), on the device. Returns the loss there; the state goes on to the next step.
  at::Tensor run(const at::Tensor& ids, const at::Tensor& targets);

  // Embedding, then of each layer w_ih, w_hh, b_ih, b_hh, then weight and bias of the head.
  const std::vector<at::Tensor>& weights() const { return weights_; }

 private:
  at::Tensor forward(const at::Tensor& ids, const at::Tensor& targets);
  void clip(const std::vector<at::Tensor>& gradients) const;
  void update(const std::vector<at::Tensor>& gradients);

  PytorchShape shape_;
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> first_moments_;
  std::vector<at::Tensor> second_moments_;
  std::vector<at::Tensor> steps_;
  at::Tensor h_;  // (layers, B, H)
  at::Tensor c_;
};

}  // namespace charrnn
