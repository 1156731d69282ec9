// All weights of a model in one flat buffer, and their gradients in another: one all-reduce, one norm, one
// update. Each weight is a view with PyTorch's name and shape, so that state_dicts go both ways.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace charrnn {

class Parameters {
 public:
  struct Shape {
    std::string name;            // "rnn.weight_ih_l0"
    std::vector<int64_t> sizes;  // (4H, E)
  };
  struct Parameter {
    std::string name;
    at::Tensor value;  // a leaf that requires a gradient; shares memory with values()
    int64_t offset;    // of its first element in the flat buffers
  };

  Parameters(const std::vector<Shape>& shapes, at::ScalarType type, at::Device device);

  const at::Tensor& values() const { return values_; }        // (P)
  const at::Tensor& gradients() const { return gradients_; }  // (P); backward adds into it
  const std::vector<Parameter>& list() const { return list_; }
  const at::Tensor& operator[](const std::string& name) const;

  // The part of another flat buffer of P elements (moments) that belongs to a parameter, in its shape.
  static at::Tensor view(const at::Tensor& flat, const Parameter& parameter);

 private:
  at::Tensor values_;
  at::Tensor gradients_;
  std::vector<Parameter> list_;
};

}  // namespace charrnn
