#include "model/parameters.h"

#include <c10/core/GradMode.h>

#include <functional>
#include <numeric>

#include "core/error.h"

namespace charrnn {
namespace {

int64_t element_count(const std::vector<int64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

Parameters::Parameters(const std::vector<Shape>& shapes, at::ScalarType type, at::Device device) {
  const c10::AutoGradMode no_grad(false);
  int64_t total = 0;
  for (const Shape& shape : shapes) total += element_count(shape.sizes);
  const auto options = at::TensorOptions().dtype(type).device(device);
  values_ = at::zeros({total}, options);
  gradients_ = at::zeros({total}, options);
  int64_t offset = 0;
  for (const Shape& shape : shapes) {
    const int64_t count = element_count(shape.sizes);
    at::Tensor value = values_.narrow(0, offset, count).view(shape.sizes).detach();
    value.requires_grad_(true);
    value.mutable_grad() = gradients_.narrow(0, offset, count).view(shape.sizes);
    list_.push_back({shape.name, value, offset});
    offset += count;
  }
}

const at::Tensor& Parameters::operator[](const std::string& name) const {
  for (const Parameter& parameter : list_) {
    if (parameter.name == name) return parameter.value;
  }
  fail("the model has no weight named ", name);
}

at::Tensor Parameters::view(const at::Tensor& flat, const Parameter& parameter) {
  return flat.narrow(0, parameter.offset, parameter.value.numel()).view(parameter.value.sizes());
}

}  // namespace charrnn
