#include "charrnn/model/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <type_traits>

#include "charrnn/core/vectorize.h"
#include "charrnn/model/dropout_pass.h"
#include "charrnn/model/gpu/dropout_cuda.h"

namespace charrnn {
namespace {

CHARRNN_VECTORIZED void drop_row(const float* in, float* out, uint32_t units, uint32_t row_key,
                                 uint32_t below_is_zero, float scale) {
  for (uint32_t unit = 0; unit < units; ++unit) {
    out[unit] = hash32(row_key + unit * kHashUnitStride) < below_is_zero ? 0.0F : in[unit] * scale;
  }
}

CHARRNN_VECTORIZED void drop_row(const double* in, double* out, uint32_t units, uint32_t row_key,
                                 uint32_t below_is_zero, double scale) {
  for (uint32_t unit = 0; unit < units; ++unit) {
    out[unit] = hash32(row_key + unit * kHashUnitStride) < below_is_zero ? 0.0 : in[unit] * scale;
  }
}

// 16-bit types are scaled as floats and rounded once.
template <class Half>
void drop_row(const Half* in, Half* out, uint32_t units, uint32_t row_key, uint32_t below_is_zero,
              float scale) {
  for (uint32_t unit = 0; unit < units; ++unit) {
    out[unit] = hash32(row_key + unit * kHashUnitStride) < below_is_zero
                    ? Half(0.0F)
                    : Half(static_cast<float>(in[unit]) * scale);
  }
}

template <class Real>
void drop_rows(const at::Tensor& input, at::Tensor& output, const DropoutPass& pass) {
  using Scale = std::conditional_t<std::is_same_v<Real, double>, double, float>;
  const int64_t T = input.size(1);
  const int64_t units = input.size(2);
  const Real* in = input.const_data_ptr<Real>();
  Real* out = output.mutable_data_ptr<Real>();
  const int64_t lane_stride = input.stride(0);
  const int64_t step_stride = input.stride(1);
  const auto scale = static_cast<Scale>(pass.scale());
  at::parallel_for(0, input.size(0) * T, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const auto lane = static_cast<uint32_t>(pass.first_lane + row / T);
      const auto position = static_cast<uint32_t>(row % T);
      const uint32_t row_key = hash32(hash32(pass.layer_key ^ lane) ^ position);
      const int64_t at = row / T * lane_stride + row % T * step_stride;
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

// An operator of LibTorch's dispatcher, with one implementation per device.
at::Tensor drop(const at::Tensor& input, double probability, int64_t layer_key, int64_t first_lane) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("charrnn::dropout", "")
                             .typed<at::Tensor(const at::Tensor&, double, int64_t, int64_t)>();
  const at::AutoDispatchBelowAutograd below_autograd;
  return op.call(input, probability, layer_key, first_lane);
}

// The mask is not kept for backward; it is computed again.
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

at::Tensor dropout(const at::Tensor& input, double probability, const DropoutKey& key, int64_t layer) {
  if (probability == 0.0) return input;
  const auto layer_key = static_cast<int64_t>(dropout_layer_key(key.seed, key.step, layer));
  return Dropout::apply(input, probability, layer_key, key.first_lane);
}

}  // namespace charrnn
