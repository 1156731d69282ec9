#include "model/dropout.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "core/counter_random.h"
#include "core/vectorize.h"

namespace charrnn {
namespace {

// The 32-bit hash "lowbias32" (C. Wellons, hash-prospector, 2018): cheap to vectorise, and easily written
// with the 64-bit integers of a tensor library.
constexpr uint32_t kMultiplier1 = 0x7feb352d;
constexpr uint32_t kMultiplier2 = 0x846ca68b;
constexpr uint32_t kUnitStride = 0x9e3779b9;

inline uint32_t hash32(uint32_t x) {
  x ^= x >> 16;
  x *= kMultiplier1;
  x ^= x >> 15;
  x *= kMultiplier2;
  return x ^ (x >> 16);
}

at::Tensor hash32(at::Tensor x) {  // int64 elements in [0, 2^32)
  constexpr int64_t low_bits = 0xffffffff;
  x = x.bitwise_xor(x.bitwise_right_shift(16));
  x = (x * static_cast<int64_t>(kMultiplier1)).bitwise_and(low_bits);
  x = x.bitwise_xor(x.bitwise_right_shift(15));
  x = (x * static_cast<int64_t>(kMultiplier2)).bitwise_and(low_bits);
  return x.bitwise_xor(x.bitwise_right_shift(16));
}

uint32_t layer_key(const DropoutKey& key, int64_t layer) {
  return static_cast<uint32_t>(
      random_bits(key.seed, Draw::kDropout, {static_cast<uint64_t>(key.step), static_cast<uint64_t>(layer)}));
}

// An element is dropped where its hash lies below this.
uint32_t threshold(double probability) {
  return static_cast<uint32_t>(std::ldexp(probability, 32));
}

CHARRNN_VECTORIZED void drop_row(const float* in, float* out, uint32_t units, uint32_t row_key,
                                 uint32_t below_is_zero, float scale) {
  for (uint32_t unit = 0; unit < units; ++unit) {
    out[unit] = hash32(row_key + unit * kUnitStride) < below_is_zero ? 0.0F : in[unit] * scale;
  }
}

CHARRNN_VECTORIZED void drop_row(const double* in, double* out, uint32_t units, uint32_t row_key,
                                 uint32_t below_is_zero, double scale) {
  for (uint32_t unit = 0; unit < units; ++unit) {
    out[unit] = hash32(row_key + unit * kUnitStride) < below_is_zero ? 0.0 : in[unit] * scale;
  }
}

template <class Real>
void drop_rows(const at::Tensor& input, at::Tensor& output, double probability, const DropoutKey& key,
               int64_t layer) {
  const int64_t steps = input.size(1);
  const int64_t units = input.size(2);
  const Real* in = input.const_data_ptr<Real>();
  Real* out = output.mutable_data_ptr<Real>();
  const int64_t lane_stride = input.stride(0);
  const int64_t step_stride = input.stride(1);
  const uint32_t base = layer_key(key, layer);
  const Real scale = static_cast<Real>(1.0 / (1.0 - probability));
  at::parallel_for(0, input.size(0) * steps, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto lane = static_cast<uint32_t>(key.first_lane + row / steps);
      const auto position = static_cast<uint32_t>(row % steps);
      const uint32_t row_key = hash32(hash32(base ^ lane) ^ position);
      const int64_t at = row / steps * lane_stride + row % steps * step_stride;
      drop_row(in + at, out + at, static_cast<uint32_t>(units), row_key, threshold(probability), scale);
    }
  });
}

// Dense in either order of lanes and steps; the result is in the same order.
at::Tensor drop_on_cpu(const at::Tensor& input, double probability, const DropoutKey& key, int64_t layer) {
  const at::Tensor dense = input.transpose(0, 1).is_contiguous() ? input : input.contiguous();
  at::Tensor output = at::empty_like(dense);
  if (dense.scalar_type() == at::kDouble) {
    drop_rows<double>(dense, output, probability, key, layer);
  } else {
    drop_rows<float>(dense, output, probability, key, layer);
  }
  return output;
}

// The mask is not kept for backward: it is drawn again.
struct FusedDropout : torch::autograd::Function<FusedDropout> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            double probability, int64_t seed, int64_t step, int64_t first_lane,
                            int64_t layer) {
    context->saved_data["probability"] = probability;
    context->saved_data["seed"] = seed;
    context->saved_data["step"] = step;
    context->saved_data["first_lane"] = first_lane;
    context->saved_data["layer"] = layer;
    return drop_on_cpu(input, probability, {static_cast<uint64_t>(seed), step, first_lane}, layer);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const DropoutKey key{static_cast<uint64_t>(context->saved_data["seed"].toInt()),
                         context->saved_data["step"].toInt(), context->saved_data["first_lane"].toInt()};
    at::Tensor result = drop_on_cpu(gradients[0], context->saved_data["probability"].toDouble(), key,
                                    context->saved_data["layer"].toInt());
    return {result, {}, {}, {}, {}, {}};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& input, double probability, const DropoutKey& key, int64_t layer) {
  if (probability == 0.0) return input;
  const bool is_half = input.scalar_type() != at::kFloat && input.scalar_type() != at::kDouble;
  if (input.is_cpu() && !is_half) {
    return FusedDropout::apply(input, probability, static_cast<int64_t>(key.seed), key.step, key.first_lane,
                               layer);
  }
  return input * dropout_mask(input.sizes(), probability, key, layer, input.options());
}

at::Tensor dropout_mask(at::IntArrayRef sizes, double probability, const DropoutKey& key, int64_t layer,
                        const at::TensorOptions& options) {
  const auto integers = at::TensorOptions().dtype(at::kLong).device(options.device());
  const at::Tensor lanes = at::arange(key.first_lane, key.first_lane + sizes[0], integers).view({-1, 1, 1});
  const at::Tensor positions = at::arange(sizes[1], integers).view({1, -1, 1});
  const at::Tensor units = at::arange(sizes[2], integers).view({1, 1, -1});
  const at::Tensor row_keys =
      hash32(hash32(lanes.bitwise_xor(static_cast<int64_t>(layer_key(key, layer)))).bitwise_xor(positions));
  const at::Tensor hashes =
      hash32((row_keys + units * static_cast<int64_t>(kUnitStride)).bitwise_and(int64_t{0xffffffff}));
  return hashes.ge(static_cast<int64_t>(threshold(probability))).to(options.dtype()) / (1.0 - probability);
}

}  // namespace charrnn
