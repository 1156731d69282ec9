// A layer's weights in the form for the kernels of recurrent_kernels.h: units padded with zeros to a multiple
// of kUnitStep (added units stay 0), the two biases added. Differentiable.
//
// Sizes: I input width, H hidden units, H' padded hidden units, G gates in PyTorch's order.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "charrnn/model/recurrent_layer.h"

namespace charrnn {

struct PaddedWeights {
  at::Tensor input;      // (GH', I)
  at::Tensor recurrent;  // (GH', H')
  at::Tensor bias;       // (GH'): the sum of both biases
  at::Tensor apart;      // (H') b_hn of a GRU, which is added before the reset gate; otherwise undefined
};
PaddedWeights padded_weights(Cell cell, const LayerWeights& weights);

// (..., N) -> (..., N'); undefined stays undefined.
at::Tensor pad_last(const at::Tensor& tensor);
int64_t padded(int64_t size);  // N'

}  // namespace charrnn
