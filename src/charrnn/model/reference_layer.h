// One recurrent layer by LibTorch's own operators, for every type and device: model.kernel: reference, and
// wherever the faster layers do not serve.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/model/recurrent_layer.h"

namespace charrnn {

// x (T, B, I), from the state h and, of an LSTM, c (B, H). Computes in the type of x, h and c, to which the
// weights are rounded if they have another.
LayerOutput reference_layer(Cell cell, const LayerWeights& weights, const at::Tensor& x, const at::Tensor& h,
                            const at::Tensor& c, bool training);

}  // namespace charrnn
