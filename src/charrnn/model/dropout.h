// Dropout whose mask is an integer hash of (seed, step, layer, lane, position, unit). So there is no
// generator state to save, and a lane has the same mask on every rank that may read it.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace charrnn {

struct DropoutKey {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t first_lane = 0;  // this rank's first lane among all lanes of the batch
};

// `input` (B, T, H): each element is zeroed with `probability`, the others are scaled by 1 / (1 -
// probability), computed in floats if the type has 16 bits. One pass over memory each for forward and
// backward, on the CPU, and on a GPU with charrnn's own kernel. It is the operator charrnn::dropout of
// LibTorch's dispatcher.
at::Tensor dropout(const at::Tensor& input, double probability, const DropoutKey& key, int64_t layer);

}  // namespace charrnn
