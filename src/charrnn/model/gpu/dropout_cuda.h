// The operator charrnn::dropout (model/dropout.h) on an NVIDIA GPU: with charrnn's kernel, or, if the kernel
// cannot run, with tensor operations and a warning.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace charrnn {

at::Tensor drop_on_cuda(const at::Tensor& input, double probability, int64_t layer_key, int64_t first_lane);

}  // namespace charrnn
