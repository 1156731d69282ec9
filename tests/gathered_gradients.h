// The gradients of all weights of a model after backward, in one tensor (P).
#pragma once

#include "charrnn/model/parameters.h"

namespace charrnn {

inline const at::Tensor& gathered_gradients(const Parameters& parameters) {
  parameters.gather_gradients(0, parameters.list().size());
  return parameters.gradients();
}

}  // namespace charrnn
