// All weights of a model in one flat buffer, and their gradients in another, for one all-reduce, one norm and
// one update. Each weight is a view with PyTorch's name and shape, so state_dicts can be exchanged both ways.
//
//   embedding.weight | gap | weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 | gap | ... | head.bias
//
// A weight begins at a multiple of 256 bytes, which fast kernels on GPUs need, or right after the weight
// before it, because cuDNN takes a layer's four weights as one buffer. Gaps are 0 in both buffers.
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
    int64_t offset;    // position of its first element in the flat buffers
  };

  Parameters(const std::vector<Shape>& shapes, at::ScalarType type, at::Device device);

  const at::Tensor& values() const { return values_; }  // (P)
  // (P), filled by gather_gradients.
  const at::Tensor& gradients() const { return gradients_; }
  const std::vector<Parameter>& list() const { return list_; }
  const at::Tensor& operator[](const std::string& name) const;
  int64_t count() const;  // number of weights, without gaps

  // Moves grad() of list()[first, last) to gradients(), in one operation. grad() is then undefined, so the
  // next backward sets it instead of adding to it.
  void gather_gradients(size_t first, size_t last) const;

  // The first element of list()[first, last) in the flat buffers and the number of elements, with gaps.
  struct Range {
    int64_t offset = 0;
    int64_t count = 0;
  };
  Range range(size_t first, size_t last) const;

  // The part of another flat buffer of P elements (such as moments) that belongs to a parameter, in its
  // shape.
  static at::Tensor view(const at::Tensor& flat, const Parameter& parameter);

 private:
  at::Tensor values_;
  at::Tensor gradients_;
  at::Tensor zeros_;  // as long as the longest gap
  std::vector<Parameter> list_;
};

}  // namespace charrnn
