// Memory for the large tensors of a training step, kept for the next step, which needs the same sizes: new
// memory would cost a page fault for every 4 KiB.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// An uninitialised tensor of floats on the CPU. When it is no longer in use, its memory is kept for the next
// tensor of about its size. Thread-safe.
at::Tensor take_buffer(at::IntArrayRef sizes);

// A tensor's floats; null if it is undefined.
inline const float* data(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}
inline float* mutable_data(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr;
}

}  // namespace charrnn
