// Softmax cross-entropy in nats: -ln p(target), summed over positions. Sums travel together with their counts
// and are divided once, over all ranks.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// logits (B, T, V), targets (B, T) of int64 -> a scalar. Positions whose target is kNoTarget count nothing.
inline constexpr int64_t kNoTarget = -100;
at::Tensor cross_entropy_sum(const at::Tensor& logits, const at::Tensor& targets);

}  // namespace charrnn
