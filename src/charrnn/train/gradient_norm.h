// The L2 norm of a flat gradient, the same on every rank down to the last bit: on the CPU it is summed in
// double in fixed blocks and a fixed order, whatever the number of threads and the instruction set.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// Returns a scalar on the device of `flat`: double on the CPU, float on a GPU, without waiting for it.
at::Tensor gradient_norm(const at::Tensor& flat);

// The number by which gradients of this norm are divided to make the norm at most `clip_norm` (Pascanu et al.
// 2013; the inverse of PyTorch's clip_norm / (norm + 1e-6)): a float on the norm's device; 1 without
// clipping, which includes a clip_norm of 0.
at::Tensor clip_divisor(const at::Tensor& norm, double clip_norm);

}  // namespace charrnn
