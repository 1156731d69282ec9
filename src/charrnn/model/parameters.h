// All weights of a model in one flat buffer, and their gradients in another: one all-reduce, one norm, one
// update. Each weight is a view with PyTorch's name and shape, so that state_dicts go both ways.
//
//   embedding.weight | gap | weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 | gap | ... | head.bias
//
// A weight begins at a multiple of 256 bytes, as fast kernels on GPUs want it, or right after the one before
// it: cuDNN takes a layer's four weights as one buffer. Gaps are 0 in both buffers.
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
    bool is_joined = false;      // begins right after the weight before it
  };
  struct Parameter {
    std::string name;
    at::Tensor value;  // a leaf that requires a gradient; shares memory with values()
    int64_t offset;    // of its first element in the flat buffers
  };

  Parameters(const std::vector<Shape>& shapes, at::ScalarType type, at::Device device);

  const at::Tensor& values() const { return values_; }  // (P)
  // (P), as gather_gradients left it.
  const at::Tensor& gradients() const { return gradients_; }
  const std::vector<Parameter>& list() const { return list_; }
  const at::Tensor& operator[](const std::string& name) const;
  int64_t count() const;  // of weights, without gaps

  // Moves what backward left in grad() of list()[first, last) to gradients(), in one operation. So the next
  // backward sets grad(), and only further ones of the same step add to it.
  void gather_gradients(size_t first, size_t last) const;

  // The first element of list()[first, last) in the flat buffers and the number of all, gaps included.
  struct Range {
    int64_t offset = 0;
    int64_t count = 0;
  };
  Range range(size_t first, size_t last) const;

  // The part of another flat buffer of P elements (moments) that belongs to a parameter, in its shape.
  static at::Tensor view(const at::Tensor& flat, const Parameter& parameter);

 private:
  at::Tensor values_;
  at::Tensor gradients_;
  at::Tensor zeros_;  // as long as the longest gap
  std::vector<Parameter> list_;
};

}  // namespace charrnn
