#include "comm/half_sum.h"

#include <bit>
#include <cmath>

#include "core/vectorize.h"

namespace charrnn {

float float_of_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t bf16_of(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40u);  // stays one when cut
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

CHARRNN_VECTORIZED void add_bf16(std::span<const uint16_t> from, std::span<uint16_t> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] = bf16_of(float_of_bf16(to[i]) + float_of_bf16(from[i]));
}

CHARRNN_VECTORIZED void add_fp16(std::span<const uint16_t> from, std::span<uint16_t> to) {
  for (size_t i = 0; i < to.size(); ++i) {
    const auto sum = static_cast<float>(std::bit_cast<_Float16>(to[i])) +
                     static_cast<float>(std::bit_cast<_Float16>(from[i]));
    to[i] = std::bit_cast<uint16_t>(static_cast<_Float16>(sum));
  }
}

}  // namespace charrnn
