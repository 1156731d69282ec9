// Counter-based random numbers: a number is a function of a seed and of what it is used for. So there is no
// state to save, and a draw does not depend on the number of ranks or on the order of draws.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace charrnn {

// The output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
// 2014).
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// What a number is drawn for: the first word of its key, so that different uses have different numbers.
enum class Draw : uint64_t {
  kShardOrder = 1,
  kShardOffset,
  kWindowOrder,
  kDropout,
  kSample,
  kInitialWeights,
  kSequenceLength
};

// 64 uniform bits for `use` and the counters after it.
constexpr uint64_t random_bits(uint64_t seed, Draw use, std::initializer_list<uint64_t> counters) {
  uint64_t bits = mix64(seed ^ mix64(static_cast<uint64_t>(use)));
  for (const uint64_t counter : counters) bits = mix64(bits ^ mix64(counter));
  return bits;
}

// Uniform in [0, bound), by the high half of a product (Lemire 2019, without the rejection step: with 64 bits
// its bias is below bound / 2^64).
constexpr uint64_t below(uint64_t bits, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(bits) * bound) >> 64);
}

// Uniform in [0, 1) with 53 bits.
constexpr double unit_interval(uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace charrnn
