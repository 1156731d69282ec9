// One recurrent layer on the CPU with charrnn's own kernels: the same function and gradients as LibTorch's
// layer, for floats.
//
// Sizes: T steps, B lanes, I input width, H hidden units, V vocabulary. Tensors are time-major.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/config/model_settings.h"
#include "charrnn/model/recurrent_layer.h"

namespace charrnn {

// x (T, B, I); or, if x is undefined, the characters `ids` (T, B) and their vectors, the rows of `embedding`
// (V, I); an undefined `embedding` means one-hot. With ids, W_ih x + biases is looked up in a table of V
// rows, computed once for all steps, unless there are fewer positions (T B) than V.
struct LayerInput {
  at::Tensor x;
  at::Tensor ids;
  at::Tensor embedding;
};

// Starts from the state h and, for an LSTM, c (B, H).
LayerOutput fast_layer(Cell cell, const LayerWeights& weights, const LayerInput& from, const at::Tensor& h,
                       const at::Tensor& c);

}  // namespace charrnn
