// The L2 norm of a flat gradient, the same on every rank down to the last bit: on the CPU it is summed in
// double in fixed blocks and a fixed order, whatever the number of threads and the instruction set.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

double gradient_norm(const at::Tensor& flat);

// Scales the gradients so that their norm is at most `clip_norm` (Pascanu et al. 2013; the factor is
// PyTorch's, clip_norm / (norm + 1e-6)); 0 never clips. `norm` is gradient_norm(flat).
void clip_gradients(const at::Tensor& flat, double norm, double clip_norm);

}  // namespace charrnn
