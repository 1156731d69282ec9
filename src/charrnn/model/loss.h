// Softmax cross-entropy in nats: -ln p(target), summed over positions. Sums and counts are added over all
// ranks, then divided once.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// A position with this target adds nothing.
inline constexpr int64_t kNoTarget = -100;

// logits (..., V), targets (...) of int64 -> a scalar.
at::Tensor cross_entropy_sum(const at::Tensor& logits, const at::Tensor& targets);

// Logits of a block: few enough for the cache; enough positions for fast products with V = 6,000.
inline constexpr int64_t kLossBlockElements = 1 << 21;

// The same for the logits x W^T + b, which are computed block by block and not kept: x (N, H), weight (V, H),
// bias (V), targets (N). Floats on the CPU. If gradients are enabled, forward also computes the gradients of
// x, weight and bias, while a block is in cache; backward only scales them.
at::Tensor linear_cross_entropy_sum(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                    const at::Tensor& targets);

}  // namespace charrnn
