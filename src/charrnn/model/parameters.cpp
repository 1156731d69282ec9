#include "charrnn/model/parameters.h"

#include <c10/core/GradMode.h>

#include <functional>
#include <numeric>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

constexpr int64_t kAlignment = 64;  // elements; 256 bytes of floats

int64_t element_count(const std::vector<int64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

int64_t aligned(int64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

Parameters::Parameters(const std::vector<Shape>& shapes, at::ScalarType type, at::Device device) {
  const c10::AutoGradMode no_grad(false);
  std::vector<int64_t> offsets;
  int64_t end = 0;
  for (const Shape& shape : shapes) {
    offsets.push_back(shape.is_joined ? end : aligned(end));
    end = offsets.back() + element_count(shape.sizes);
  }
  const auto options = at::TensorOptions().dtype(type).device(device);
  values_ = at::zeros({end}, options);
  gradients_ = at::zeros({end}, options);
  zeros_ = at::zeros({kAlignment}, options);
  for (size_t i = 0; i < shapes.size(); ++i) {
    const int64_t count = element_count(shapes[i].sizes);
    at::Tensor value = values_.narrow(0, offsets[i], count).view(shapes[i].sizes).detach();
    value.requires_grad_(true);
    list_.push_back({shapes[i].name, value, offsets[i]});
  }
}

const at::Tensor& Parameters::operator[](const std::string& name) const {
  for (const Parameter& parameter : list_) {
    if (parameter.name == name) return parameter.value;
  }
  fail("the model has no weight named ", name);
}

int64_t Parameters::count() const {
  int64_t total = 0;
  for (const Parameter& parameter : list_) total += parameter.value.numel();
  return total;
}

Parameters::Range Parameters::range(size_t first, size_t last) const {
  const int64_t begin = list_[first].offset;
  const int64_t end = last < list_.size() ? list_[last].offset : values_.numel();
  return {begin, end - begin};
}

void Parameters::gather_gradients(size_t first, size_t last) const {
  const c10::AutoGradMode no_grad(false);
  std::vector<at::Tensor> pieces;
  int64_t end = list_[first].offset;
  const auto fill_gap = [&](int64_t next) {
    if (next > end) pieces.push_back(zeros_.narrow(0, 0, next - end));
  };
  for (size_t i = first; i < last; ++i) {
    const Parameter& parameter = list_[i];
    fill_gap(parameter.offset);
    at::Tensor& gradient = parameter.value.mutable_grad();
    pieces.push_back(gradient.defined() ? gradient.flatten() : at::zeros_like(parameter.value).flatten());
    gradient = at::Tensor();
    end = parameter.offset + parameter.value.numel();
  }
  const Range whole = range(first, last);
  fill_gap(whole.offset + whole.count);
  at::Tensor flat = gradients_.narrow(0, whole.offset, whole.count);
  at::cat_out(flat, pieces);
}

at::Tensor Parameters::view(const at::Tensor& flat, const Parameter& parameter) {
  return flat.narrow(0, parameter.offset, parameter.value.numel()).view(parameter.value.sizes());
}

}  // namespace charrnn
