#include "charrnn/train/gradient_norm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "charrnn/core/vectorize.h"

namespace charrnn {
namespace {

constexpr int64_t kBlock = 1 << 16;  // elements
constexpr size_t kSums = 16;         // parallel sums, so that the loop vectorises in a fixed order

CHARRNN_VECTORIZED double block_sum(const float* values, int64_t count) {
  std::array<double, kSums> sums{};
  int64_t i = 0;
  for (; i + static_cast<int64_t>(kSums) <= count; i += static_cast<int64_t>(kSums)) {
    for (size_t k = 0; k < kSums; ++k) {
      const auto value = static_cast<double>(values[i + static_cast<int64_t>(k)]);
      sums[k] += value * value;
    }
  }
  double total = 0;
  for (; i < count; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

at::Tensor gradient_norm(const at::Tensor& flat) {
  if (!flat.is_cpu()) return at::linalg_vector_norm(flat);
  const auto* values = flat.const_data_ptr<float>();
  const int64_t count = flat.numel();
  std::vector<double> sums(static_cast<size_t>((count + kBlock - 1) / kBlock));
  at::parallel_for(0, static_cast<int64_t>(sums.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      sums[static_cast<size_t>(block)] =
          block_sum(values + block * kBlock, std::min(kBlock, count - block * kBlock));
    }
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return at::scalar_tensor(std::sqrt(total), at::kDouble);
}

at::Tensor clip_divisor(const at::Tensor& norm, double clip_norm) {
  if (clip_norm == 0) return at::ones({}, norm.options().dtype(at::kFloat));
  // (norm + 1e-6) / clip_norm in one operation, whose scalar operand need not be on the norm's device.
  return at::add(at::scalar_tensor(1e-6 / clip_norm, norm.scalar_type()), norm, 1 / clip_norm)
      .clamp_min(1)
      .to(at::kFloat);
}

}  // namespace charrnn
