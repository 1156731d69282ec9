// A training step of charrnn's model as in a PyTorch program: nn.Embedding, nn.LSTM (or nn.GRU, nn.RNN) with
// flattened weights, nn.Dropout, nn.Linear, cross_entropy, clip_grad_norm_ and AdamW(fused=True), each with
// the operators that torch calls. Tests compare the number of charrnn's operations with it.
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
  // Weights on `device`, uniform in the range of nn.LSTM; the same each time.
  PytorchStep(const PytorchShape& shape, at::Device device, int64_t lanes);

  // ids and targets are (T, B), on the device. Returns the loss on the device; the state is kept for the next
  // step.
  at::Tensor run(const at::Tensor& ids, const at::Tensor& targets);

  // Embedding, then w_ih, w_hh, b_ih, b_hh of each layer, then weight and bias of the head.
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
