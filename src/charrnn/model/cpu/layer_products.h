// Products of matrices with the kernels of recurrent_kernels.h, for a layer's input and for its gradients.
// Matrices are floats on the CPU; rows may have gaps between them, columns may not. The order of additions
// does not depend on the number of threads.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// a (N, I) * weights^T (J, I) + bias (J) -> (N, J); J is a multiple of kUnitStep.
at::Tensor times_transposed(const at::Tensor& a, const at::Tensor& weights, const at::Tensor& bias);

// a (N, J) * weights (J, I) -> (N, I); I is a multiple of kUnitStep.
at::Tensor times(const at::Tensor& a, const at::Tensor& weights);

// gradient (J, I) = a^T (N, J) * b (N, I); I is a multiple of kUnitStep.
void weight_gradient(const at::Tensor& a, const at::Tensor& b, const at::Tensor& gradient);

}  // namespace charrnn
