// The L2 norm of a flat gradient, the same on every rank down to the last bit: on the CPU it is summed in
// double in fixed blocks and a fixed order, whatever the number of threads and the instruction set.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// A scalar on the device of `flat`: of double on the CPU, of float on a GPU, where nothing waits for it.
at::Tensor gradient_norm(const at::Tensor& flat);

// What gradients of this norm are divided by so that it is at most `clip_norm` (Pascanu et al. 2013;
// PyTorch's clip_norm / (norm + 1e-6), upside down): a float on the norm's device; 1 where nothing is cut, as
// with a clip_norm of 0.
at::Tensor clip_divisor(const at::Tensor& norm, double clip_norm);

}  // namespace charrnn
