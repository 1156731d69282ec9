#include "charrnn/model/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>
#include <type_traits>

#include "charrnn/core/counter_random.h"
#include "charrnn/core/vectorize.h"
#include "charrnn/model/dropout_pass.h"

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

// 16-bit types: scaled as floats and rounded once.
template <class Half>
void drop_row(const Half* in, Half* out, uint32_t units, uint32_t row_key, uint32_t below_is_zero,
              float scale) {
  for (uint32_t unit = 0; unit < units; ++unit) {
    out[unit] = hash32(row_key + unit * kUnitStride) < below_is_zero
                    ? Half(0.0F)
                    : Half(static_cast<float>(in[unit]) * scale);
  }
}

template <class Real>
void drop_rows(const at::Tensor& input, at::Tensor& output, const DropoutPass& pass) {
  using Scale = std::conditional_t<std::is_same_v<Real, double>, double, float>;
  const int64_t steps = input.size(1);
  const int64_t units = input.size(2);
  const Real* in = input.const_data_ptr<Real>();
  Real* out = output.mutable_data_ptr<Real>();
  const int64_t lane_stride = input.stride(0);
  const int64_t step_stride = input.stride(1);
  const auto scale = static_cast<Scale>(pass.scale());
  at::parallel_for(0, input.size(0) * steps, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto lane = static_cast<uint32_t>(pass.first_lane + row / steps);
      const auto position = static_cast<uint32_t>(row % steps);
      const uint32_t row_key = hash32(hash32(pass.layer_key ^ lane) ^ position);
      const int64_t at = row / steps * lane_stride + row % steps * step_stride;
      drop_row(in + at, out + at, static_cast<uint32_t>(units), row_key, pass.threshold(), scale);
    }
  });
}

at::Tensor drop_on_cpu(const at::Tensor& input, double probability, int64_t layer_key, int64_t first_lane) {
  const DropoutPass pass{probability, static_cast<uint32_t>(layer_key), first_lane};
  const at::Tensor dense = dense_rows(input);
  at::Tensor output = at::empty_like(dense);
  switch (dense.scalar_type()) {
    case at::kDouble:
      drop_rows<double>(dense, output, pass);
      break;
    case at::kBFloat16:
      drop_rows<at::BFloat16>(dense, output, pass);
      break;
    case at::kHalf:
      drop_rows<at::Half>(dense, output, pass);
      break;
    default:
      drop_rows<float>(dense, output, pass);
  }
  return output;
}

// An operator of LibTorch's dispatcher: each device has its own.
at::Tensor drop(const at::Tensor& input, double probability, int64_t layer_key, int64_t first_lane) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("charrnn::dropout", "")
                             .typed<at::Tensor(const at::Tensor&, double, int64_t, int64_t)>();
  const at::AutoDispatchBelowAutograd below_autograd;
  return op.call(input, probability, layer_key, first_lane);
}

// The mask is not kept for backward: it is drawn again.
struct Dropout : torch::autograd::Function<Dropout> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input,
                            double probability, int64_t key, int64_t first_lane) {
    context->saved_data["probability"] = probability;
    context->saved_data["key"] = key;
    context->saved_data["first_lane"] = first_lane;
    return drop(input, probability, key, first_lane);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto& saved = context->saved_data;
    return {drop(gradients[0], saved.at("probability").toDouble(), saved.at("key").toInt(),
                 saved.at("first_lane").toInt()),
            {},
            {},
            {}};
  }
};

}  // namespace

TORCH_LIBRARY(charrnn, library) {
  library.def("dropout(Tensor input, float probability, int layer_key, int first_lane) -> Tensor");
}
TORCH_LIBRARY_IMPL(charrnn, CPU, library) {
  library.impl("dropout", drop_on_cpu);
}
TORCH_LIBRARY_IMPL(charrnn, CUDA, library) {
  library.impl("dropout", drop_on_cuda);
}

uint32_t DropoutPass::threshold() const {
  return static_cast<uint32_t>(std::ldexp(probability, 32));
}

// Of (B, T, H), in either order of lanes and steps in memory.
at::Tensor dense_rows(const at::Tensor& input) {
  return input.transpose(0, 1).is_contiguous() ? input : input.contiguous();
}

at::Tensor dropout(const at::Tensor& input, double probability, const DropoutKey& key, int64_t layer) {
  if (probability == 0.0) return input;
  return Dropout::apply(input, probability, static_cast<int64_t>(layer_key(key, layer)), key.first_lane);
}

at::Tensor dropout_mask(at::IntArrayRef sizes, double probability, const DropoutKey& key, int64_t layer,
                        const at::TensorOptions& options) {
  return dropout_mask(sizes, {probability, layer_key(key, layer), key.first_lane}, options);
}

at::Tensor dropout_mask(at::IntArrayRef sizes, const DropoutPass& pass, const at::TensorOptions& options) {
  const auto integers = at::TensorOptions().dtype(at::kLong).device(options.device());
  const at::Tensor lanes = at::arange(pass.first_lane, pass.first_lane + sizes[0], integers).view({-1, 1, 1});
  const at::Tensor positions = at::arange(sizes[1], integers).view({1, -1, 1});
  const at::Tensor units = at::arange(sizes[2], integers).view({1, 1, -1});
  const at::Tensor row_keys =
      hash32(hash32(lanes.bitwise_xor(static_cast<int64_t>(pass.layer_key))).bitwise_xor(positions));
  const at::Tensor hashes =
      hash32((row_keys + units * static_cast<int64_t>(kUnitStride)).bitwise_and(int64_t{0xffffffff}));
  return hashes.ge(static_cast<int64_t>(pass.threshold())).to(options.dtype()) / (1.0 - pass.probability);
}

}  // namespace charrnn
