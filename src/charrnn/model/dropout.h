// Dropout whose mask is a function of (seed, step, layer, lane, position, unit) by an integer hash. There is
// no generator state to save, and a lane gets the same mask on whichever rank it is read.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace charrnn {

struct DropoutKey {
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t first_lane = 0;  // of this rank, among all lanes of the batch
};

// `input` (B, T, H): each element is zeroed with `probability`, the others are scaled by 1 / (1 -
// probability), in floats if the type has 16 bits. One pass over memory in both directions: on the CPU, and
// by charrnn's own kernel on a GPU. It is the operator charrnn::dropout of LibTorch's dispatcher.
at::Tensor dropout(const at::Tensor& input, double probability, const DropoutKey& key, int64_t layer);

}  // namespace charrnn
