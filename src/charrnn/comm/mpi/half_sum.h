// Sums of 16-bit floating-point numbers, for MPI: each pair is added in fp32 and rounded to nearest, ties to
// even.
#pragma once

#include <cstdint>
#include <span>

namespace charrnn {

// to[i] += from[i]
void add_bf16(std::span<const uint16_t> from, std::span<uint16_t> to);
void add_fp16(std::span<const uint16_t> from, std::span<uint16_t> to);

}  // namespace charrnn
