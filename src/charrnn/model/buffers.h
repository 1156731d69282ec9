// Memory for the large tensors of a training step, which the next step needs again in the same sizes: fresh
// memory costs a page fault for every 4 KiB.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// A tensor of floats on the CPU, not initialised. When it is no longer in use, its memory is kept for the
// next one of about its size. From any thread.
at::Tensor take_buffer(at::IntArrayRef sizes);

// A tensor's floats; null if it is undefined.
inline const float* data(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}
inline float* mutable_data(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr;
}

}  // namespace charrnn
