// Sums of 16-bit floating-point numbers as MPI makes them: each pair added in fp32, rounded to nearest even.
#pragma once

#include <cstdint>
#include <span>

namespace charrnn {

// to[i] += from[i]
void add_bf16(std::span<const uint16_t> from, std::span<uint16_t> to);
void add_fp16(std::span<const uint16_t> from, std::span<uint16_t> to);

}  // namespace charrnn
