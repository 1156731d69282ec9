#include "charrnn/model/cpu/recurrent_kernels.h"

namespace charrnn {
namespace {

const RecurrentKernels& best_kernels() {
#if defined(__x86_64__)
  if (runs_here(kAvx512Kernels)) return kAvx512Kernels;
  if (runs_here(kAvx2Kernels)) return kAvx2Kernels;
#endif
  return kPlainKernels;
}

const RecurrentKernels*& chosen() {
  static const RecurrentKernels* kernels = &best_kernels();
  return kernels;
}

}  // namespace

bool runs_here([[maybe_unused]] const RecurrentKernels& kernels) {
#if defined(__x86_64__)
  if (&kernels == &kAvx512Kernels) return __builtin_cpu_supports("avx512f") != 0;
  if (&kernels == &kAvx2Kernels)
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
#endif
  return true;
}

const RecurrentKernels& recurrent_kernels() {
  return *chosen();
}

void use_recurrent_kernels(const RecurrentKernels& kernels) {
  chosen() = &kernels;
}

}  // namespace charrnn
