// One recurrent layer by cuDNN, through LibTorch's operators for it. at::lstm and similar functions look for
// a layer's weights at the beginning of a storage; ours lie in the middle of a model's flat buffer, so they
// would be copied together at each call, with a warning. These operators take the buffer as it is.
//
// Sizes: T steps, B lanes, I input width, H hidden units, G gates in PyTorch's order.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "charrnn/config/model_settings.h"
#include "charrnn/model/recurrent_layer.h"

namespace charrnn {

// The four weights of a layer as views of a buffer that holds them in the order of LayerWeights; `rows` is
// GH, `width` I, `hidden` H.
std::vector<at::Tensor> weights_in(const at::Tensor& buffer, int64_t rows, int64_t width, int64_t hidden);

// Whether cuDNN serves this device, and arranges the weights of a layer as charrnn does: one after the other
// in the order of LayerWeights. Asks it to arrange some numbers, since the arrangement is not documented, and
// to compute with them.
bool cudnn_serves(Cell cell, int64_t input_width, int64_t hidden, at::ScalarType type, at::Device device);

// x (T, B, I), from the state h and, of an LSTM, c (B, H). Computes in the type of x, h and c. `buffer` (GH
// (I + H + 2)) holds the four weights in the order of LayerWeights, and is rounded to that type if it has
// another. Needs a layer that cudnn_serves.
LayerOutput cudnn_layer(Cell cell, const LayerWeights& weights, const at::Tensor& buffer, const at::Tensor& x,
                        const at::Tensor& h, const at::Tensor& c, bool training);

}  // namespace charrnn
