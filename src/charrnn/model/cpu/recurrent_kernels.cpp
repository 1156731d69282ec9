#include "charrnn/model/cpu/recurrent_kernels.h"

#include <ATen/Version.h>

#include <string>

#include "charrnn/config/model_settings.h"

namespace charrnn {
namespace {

// Not wider than LibTorch's kernels, which the environment variable ATEN_CPU_CAPABILITY (avx512, avx2,
// default) limits: for instance on a cluster with different processors.
const RecurrentKernels& best_kernels() {
#if defined(__x86_64__)
  const std::string widest = at::get_cpu_capability();
  if (widest == "AVX512" && runs_here(kAvx512Kernels)) return kAvx512Kernels;
  if ((widest == "AVX512" || widest == "AVX2") && runs_here(kAvx2Kernels)) return kAvx2Kernels;
#endif
  return kPlainKernels;
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
  static const RecurrentKernels& best = best_kernels();
  return best;
}

const CellKernels& cell_kernels(Cell cell) {
  const RecurrentKernels& kernels = recurrent_kernels();
  switch (cell) {
    case Cell::kLstm:
      return kernels.lstm;
    case Cell::kGru:
      return kernels.gru;
    case Cell::kRnnTanh:
      return kernels.rnn_tanh;
    case Cell::kRnnRelu:
      break;
  }
  return kernels.rnn_relu;
}

}  // namespace charrnn
