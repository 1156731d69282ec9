#include "charrnn/model/cpu/padded_weights.h"

#include <utility>

#include "charrnn/model/cpu/recurrent_kernels.h"

namespace charrnn {
namespace {

// (GH, ...)
at::Tensor pad_gates(const at::Tensor& tensor, int64_t gates) {
  const at::Tensor by_gate = tensor.unflatten(0, {gates, -1});
  const int64_t units = by_gate.size(1);
  return padded(units) == units ? tensor : pad_last(by_gate.transpose(1, -1)).transpose(1, -1).flatten(0, 1);
}

// The sum of the biases, and separately a GRU's b_hn, which is added before the reset gate.
std::pair<at::Tensor, at::Tensor> biases(Cell cell, const LayerWeights& w) {
  if (cell != Cell::kGru) return {w.input_bias + w.recurrent_bias, {}};
  const int64_t H = w.recurrent.size(1);
  const at::Tensor apart = w.recurrent_bias.narrow(0, 2 * H, H);
  return {w.input_bias + at::cat({w.recurrent_bias.narrow(0, 0, 2 * H), at::zeros_like(apart)}), apart};
}

}  // namespace

PaddedWeights padded_weights(Cell cell, const LayerWeights& weights) {
  const int64_t gates = gate_count(cell);
  const auto [both, apart] = biases(cell, weights);
  return {pad_gates(weights.input, gates), pad_last(pad_gates(weights.recurrent, gates)),
          pad_gates(both, gates), pad_last(apart)};
}

int64_t padded(int64_t size) {
  return (size + kUnitStep - 1) / kUnitStep * kUnitStep;
}

at::Tensor pad_last(const at::Tensor& tensor) {
  if (!tensor.defined() || padded(tensor.size(-1)) == tensor.size(-1)) return tensor;
  return at::constant_pad_nd(tensor, {0, padded(tensor.size(-1)) - tensor.size(-1)});
}

}  // namespace charrnn
