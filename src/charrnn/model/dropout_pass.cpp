#include "charrnn/model/dropout_pass.h"

#include <cmath>

#include "charrnn/core/counter_random.h"

namespace charrnn {
namespace {

at::Tensor hash32(at::Tensor x) {  // int64 elements in [0, 2^32)
  constexpr int64_t low_bits = 0xffffffff;
  x = x.bitwise_xor(x.bitwise_right_shift(16));
  x = (x * static_cast<int64_t>(kHashMultiplier1)).bitwise_and(low_bits);
  x = x.bitwise_xor(x.bitwise_right_shift(15));
  x = (x * static_cast<int64_t>(kHashMultiplier2)).bitwise_and(low_bits);
  return x.bitwise_xor(x.bitwise_right_shift(16));
}

}  // namespace

uint32_t DropoutPass::threshold() const {
  return static_cast<uint32_t>(std::ldexp(probability, 32));
}

uint32_t dropout_layer_key(uint64_t seed, int64_t step, int64_t layer) {
  return static_cast<uint32_t>(
      random_bits(seed, Draw::kDropout, {static_cast<uint64_t>(step), static_cast<uint64_t>(layer)}));
}

at::Tensor dropout_mask(at::IntArrayRef sizes, const DropoutPass& pass, const at::TensorOptions& options) {
  const auto integers = at::TensorOptions().dtype(at::kLong).device(options.device());
  const at::Tensor lanes = at::arange(pass.first_lane, pass.first_lane + sizes[0], integers).view({-1, 1, 1});
  const at::Tensor positions = at::arange(sizes[1], integers).view({1, -1, 1});
  const at::Tensor units = at::arange(sizes[2], integers).view({1, 1, -1});
  const at::Tensor row_keys =
      hash32(hash32(lanes.bitwise_xor(static_cast<int64_t>(pass.layer_key))).bitwise_xor(positions));
  const at::Tensor hashes =
      hash32((row_keys + units * static_cast<int64_t>(kHashUnitStride)).bitwise_and(int64_t{0xffffffff}));
  return hashes.ge(static_cast<int64_t>(pass.threshold())).to(options.dtype()) / (1.0 - pass.probability);
}

at::Tensor dense_rows(const at::Tensor& input) {
  return input.transpose(0, 1).is_contiguous() ? input : input.contiguous();
}

}  // namespace charrnn
