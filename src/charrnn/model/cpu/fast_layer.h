// One recurrent layer on the CPU in charrnn's own kernels: the same function and gradients as LibTorch's
// layer, for floats. Tensors are time-major here, so that the lanes of a step lie together.
//
// Sizes: T steps, B lanes, I input width, H hidden units, G gates in PyTorch's order.
#pragma once

#include <ATen/ATen.h>

#include "charrnn/config/settings.h"
#include "charrnn/model/cpu/padded_weights.h"

namespace charrnn {

struct LayerOutput {
  at::Tensor output;  // (T, B, H)
  at::Tensor h;       // (B, H) after the last step
  at::Tensor c;       // the same of an LSTM, else undefined
};

// x (T, B, I); or, where x is undefined, the characters ids (T, B) and the rows of `embedding` (V, I) that
// stand for them; undefined means one-hot. Then W_ih x + biases is a row of a table of V, made once for all
// steps, unless T B positions are fewer than V.
struct LayerInput {
  at::Tensor x;
  at::Tensor ids;
  at::Tensor embedding;
};

// From the state h and, of an LSTM, c (B, H).
LayerOutput fast_layer(Cell cell, const LayerWeights& weights, const LayerInput& from, const at::Tensor& h,
                       const at::Tensor& c);

}  // namespace charrnn
