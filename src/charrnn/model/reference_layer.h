// One recurrent layer with LibTorch's own operators, for every type and device: for model.kernel: reference,
// and wherever the faster layers cannot be used.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/model/recurrent_layer.h"

namespace charrnn {

// x (T, B, I), from the state h and, for an LSTM, c (B, H). Computes in the type of x, h and c; weights of
// another type are rounded to it.
LayerOutput reference_layer(Cell cell, const LayerWeights& weights, const at::Tensor& x, const at::Tensor& h,
                            const at::Tensor& c, bool training);

}  // namespace charrnn
