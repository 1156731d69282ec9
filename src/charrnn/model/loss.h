// Softmax cross-entropy in nats: -ln p(target), summed over positions. Sums travel together with their counts
// and are divided once, over all ranks.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// A position with this target adds nothing.
inline constexpr int64_t kNoTarget = -100;

// logits (..., V), targets (...) of int64 -> a scalar.
at::Tensor cross_entropy_sum(const at::Tensor& logits, const at::Tensor& targets);

// Logits of a block: few enough for the cache, enough positions for products to be fast at a V of 6,000.
inline constexpr int64_t kLossBlockElements = 1 << 21;

// The same of the logits x W^T + b, which are computed and dropped block by block: x (N, H), weight (V, H),
// bias (V), targets (N). Floats on the CPU. With gradients on, forward computes the gradients of all three as
// well, while a block is in cache; backward scales them, once.
at::Tensor linear_cross_entropy_sum(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                    const at::Tensor& targets);

}  // namespace charrnn
