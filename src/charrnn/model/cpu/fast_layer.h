// One recurrent layer on the CPU in charrnn's own kernels: the same function and gradients as LibTorch's
// layer, for floats.
//
// Sizes: T steps, B lanes, I input width, H hidden units, V vocabulary. Tensors are time-major.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/config/model_settings.h"
#include "charrnn/model/recurrent_layer.h"

namespace charrnn {

// x (T, B, I); or, if x is undefined, the characters `ids` (T, B) and the rows of `embedding` (V, I) that
// stand for them; an undefined `embedding` means one-hot. Then W_ih x + biases is a row of a table of V, made
// once for all steps, unless T B positions are fewer than V.
struct LayerInput {
  at::Tensor x;
  at::Tensor ids;
  at::Tensor embedding;
};

// From the state h and, of an LSTM, c (B, H).
LayerOutput fast_layer(Cell cell, const LayerWeights& weights, const LayerInput& from, const at::Tensor& h,
                       const at::Tensor& c);

}  // namespace charrnn
