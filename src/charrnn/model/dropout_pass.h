// One pass of dropout over the outputs of a layer: the arguments of a device's implementation of
// charrnn::dropout (dropout.h), the hash that determines the mask, and the mask by tensor operations only.
//
// Sizes: B lanes, T steps, H units.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace charrnn {

struct DropoutPass {
  double probability = 0;
  uint32_t layer_key = 0;
  int64_t first_lane = 0;

  // An element is dropped if its hash is below this.
  uint32_t threshold() const;
  double scale() const { return 1.0 / (1.0 - probability); }
};

// The value of DropoutPass::layer_key.
uint32_t dropout_layer_key(uint64_t seed, int64_t step, int64_t layer);

// The hash of an element is hash32(hash32(hash32(layer_key ^ lane) ^ position) + unit * kHashUnitStride),
// with the 32-bit hash "lowbias32" (C. Wellons, hash-prospector, 2018): cheap to vectorise, and easy to
// write with the 64-bit integers of a tensor library.
inline constexpr uint32_t kHashMultiplier1 = 0x7feb352d;
inline constexpr uint32_t kHashMultiplier2 = 0x846ca68b;
inline constexpr uint32_t kHashUnitStride = 0x9e3779b9;

inline uint32_t hash32(uint32_t x) {
  x ^= x >> 16;
  x *= kHashMultiplier1;
  x ^= x >> 15;
  x *= kHashMultiplier2;
  return x ^ (x >> 16);
}

// The mask by tensor operations only: (B, T, H), each element 0 or the scale.
at::Tensor dropout_mask(at::IntArrayRef sizes, const DropoutPass& pass, const at::TensorOptions& options);

// Returns `input` (B, T, H) if its rows of H are dense in memory, in the order (B, T) or (T, B); otherwise a
// dense copy.
at::Tensor dense_rows(const at::Tensor& input);

}  // namespace charrnn
