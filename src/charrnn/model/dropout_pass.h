// What a device's implementation of charrnn::dropout is given: see dropout.h.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace charrnn {

struct DropoutPass {
  double probability = 0;
  uint32_t layer_key = 0;  // of seed, step and layer
  int64_t first_lane = 0;

  // An element is dropped where its hash lies below this.
  uint32_t threshold() const;
  double scale() const { return 1.0 / (1.0 - probability); }
};

// (B, T, H) as it is where rows of H lie one after the other in memory, in the order (B, T) or (T, B); else a
// copy that does.
at::Tensor dense_rows(const at::Tensor& input);

// By tensor operations alone: (B, T, H) of 0 and the scale.
at::Tensor dropout_mask(at::IntArrayRef sizes, const DropoutPass& pass, const at::TensorOptions& options);

// On an NVIDIA GPU: by charrnn's kernel; by tensor operations, with a warning, where that cannot be had.
at::Tensor drop_on_cuda(const at::Tensor& input, double probability, int64_t layer_key, int64_t first_lane);

}  // namespace charrnn
