// One recurrent layer with cuDNN, through LibTorch's operators for it. at::lstm and similar functions expect
// a layer's weights at the beginning of a storage; ours are in the middle of a model's flat buffer, so they
// would be copied to one buffer at each call, with a warning. These operators use the buffer as it is.
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

// Whether cuDNN works on this device and arranges the weights of a layer as charrnn does: one after the other
// in the order of LayerWeights. Since the arrangement is not documented, it is tried: cuDNN arranges some
// numbers and computes with them.
bool cudnn_serves(Cell cell, int64_t input_width, int64_t hidden, at::ScalarType type, at::Device device);

// x (T, B, I), from the state h and, for an LSTM, c (B, H). Computes in the type of x, h and c. `buffer` (GH
// (I + H + 2)) has the four weights in the order of LayerWeights; if it has another type, it is rounded.
// Only for layers for which cudnn_serves returns true.
LayerOutput cudnn_layer(Cell cell, const LayerWeights& weights, const at::Tensor& buffer, const at::Tensor& x,
                        const at::Tensor& h, const at::Tensor& c, bool training);

}  // namespace charrnn
