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

#if defined(__FLT16_MANT_DIG__)
inline float from_fp16(uint16_t bits) {
  return static_cast<float>(std::bit_cast<_Float16>(bits));
}

inline uint16_t to_fp16(float value) {
  return std::bit_cast<uint16_t>(static_cast<_Float16>(value));
}
#else  // clang before 15 has no _Float16 on x86-64: 5 bits of exponent (bias 15), 10 of fraction, by hand
constexpr uint32_t kFloatInfinity = 0x7f800000u, kHalfInfinity = 0x7c00u;
constexpr uint32_t kBiasDifference = (127u - 15u) << 23;

inline float from_fp16(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7fffu;
  if (magnitude > kHalfInfinity)
    return std::bit_cast<float>(sign | kFloatInfinity | 0x400000u | magnitude << 13);
  if (magnitude == kHalfInfinity) return std::bit_cast<float>(sign | kFloatInfinity);
  if (magnitude < 0x400u) {  // zero and subnormals: this many times 2^-24
    const float small = static_cast<float>(magnitude) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(small));
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + kBiasDifference));
}

inline uint16_t to_fp16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half = 0;
  if (magnitude > kFloatInfinity) {
    half = kHalfInfinity | 0x200u | ((magnitude >> 13) & 0x3ffu);
  } else if (magnitude >= 0x477ff000u) {  // 65520 and more round to infinity
    half = kHalfInfinity;
  } else if (magnitude < 0x38800000u) {  // below 2^-14: the last bit of 0.5 + value is 2^-24
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  } else {
    half = (magnitude - kBiasDifference + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}
#endif

}  // namespace

CHARRNN_VECTORIZED void add_bf16(std::span<const uint16_t> from, std::span<uint16_t> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] = narrowed(widened(to[i]) + widened(from[i]));
}

CHARRNN_VECTORIZED void add_fp16(std::span<const uint16_t> from, std::span<uint16_t> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] = to_fp16(from_fp16(to[i]) + from_fp16(from[i]));
}

}  // namespace charrnn
