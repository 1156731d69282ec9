#include "charrnn/model/reference_layer.h"

#include <tuple>
#include <vector>

#include "charrnn/model/gpu/cudnn_layer.h"

namespace charrnn {
namespace {

constexpr bool kHasBiases = true;
constexpr int64_t kLayers = 1;
constexpr double kNoDropout = 0.0;
constexpr bool kBidirectional = false;
constexpr bool kBatchFirst = false;

// LibTorch's layer of a cell whose only state is h.
using PlainLayer = std::tuple<at::Tensor, at::Tensor> (*)(const at::Tensor& input, const at::Tensor& h,
                                                          at::TensorList weights, bool has_biases,
                                                          int64_t num_layers, double dropout, bool training,
                                                          bool bidirectional, bool batch_first);
PlainLayer plain_layer(Cell cell) {
  switch (cell) {
    case Cell::kGru:
      return at::gru;
    case Cell::kRnnTanh:
      return at::rnn_tanh;
    case Cell::kRnnRelu:
    case Cell::kLstm:  // not here, because it has two states
      break;
  }
  return at::rnn_relu;
}

// On a GPU, or if rounded, the weights are joined in cuDNN's order at the beginning of a storage. Otherwise
// LibTorch's layers on a GPU would join them at each call, and warn.
std::vector<at::Tensor> arranged(const LayerWeights& w, at::ScalarType type) {
  const std::vector<at::Tensor> weights{w.input, w.recurrent, w.input_bias, w.recurrent_bias};
  if (w.input.is_cpu() && w.input.scalar_type() == type) return weights;
  std::vector<at::Tensor> flat;
  for (const at::Tensor& weight : weights) flat.push_back(weight.flatten());
  return weights_in(at::cat(flat).to(type), w.input.size(0), w.input.size(1), w.recurrent.size(1));
}

}  // namespace

LayerOutput reference_layer(Cell cell, const LayerWeights& weights, const at::Tensor& x, const at::Tensor& h,
                            const at::Tensor& c, bool training) {
  const std::vector<at::Tensor> list = arranged(weights, x.scalar_type());
  const at::Tensor first_h = h.unsqueeze(0);
  if (cell == Cell::kLstm) {
    const auto [output, next_h, next_c] = at::lstm(x, {first_h, c.unsqueeze(0)}, list, kHasBiases, kLayers,
                                                   kNoDropout, training, kBidirectional, kBatchFirst);
    return {output, next_h.squeeze(0), next_c.squeeze(0)};
  }
  const auto [output, next_h] = plain_layer(cell)(x, first_h, list, kHasBiases, kLayers, kNoDropout, training,
                                                  kBidirectional, kBatchFirst);
  return {output, next_h.squeeze(0), {}};
}

}  // namespace charrnn
