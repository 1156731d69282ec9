#include "charrnn/model/cpu/vector_math.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <mutex>

namespace charrnn {

void initialize_vector_math() {
  static std::once_flag settled;
  std::call_once(settled, [] {
    const c10::AutoGradMode no_grad(false);
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) at::ones({1}, type).exp_();
  });
}

}  // namespace charrnn
