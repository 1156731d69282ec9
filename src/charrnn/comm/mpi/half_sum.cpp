#include "charrnn/comm/mpi/half_sum.h"

#include <bit>

#include "charrnn/core/vectorize.h"

namespace charrnn {
namespace {

inline float widened(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

inline uint16_t narrowed(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  const uint32_t nan = bits | 0x400000u;  // still NaN in 16 bits
  return static_cast<uint16_t>((value != value ? nan : rounded) >> 16);
}

}  // namespace

CHARRNN_VECTORIZED void add_bf16(std::span<const uint16_t> from, std::span<uint16_t> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] = narrowed(widened(to[i]) + widened(from[i]));
}

CHARRNN_VECTORIZED void add_fp16(std::span<const uint16_t> from, std::span<uint16_t> to) {
  for (size_t i = 0; i < to.size(); ++i) {
    const auto sum = static_cast<float>(std::bit_cast<_Float16>(to[i])) +
                     static_cast<float>(std::bit_cast<_Float16>(from[i]));
    to[i] = std::bit_cast<uint16_t>(static_cast<_Float16>(sum));
  }
}

}  // namespace charrnn
