#include "train/compute.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <cstdlib>

namespace charrnn {

at::Device prepare_compute(const Session& session, std::optional<int64_t> threads) {
  // Before the pool's threads exist, which inherit it: denormals cost a hundred times a normal number.
  at::globalContext().setFlushDenormal(true);
  at::set_num_threads(static_cast<int>(threads.value_or(session.threads())));
  const Device& device = session.device();
  if (!device.cuda) return at::kCPU;
  // fp32 means fp32: cuDNN's recurrent layers would round to TF32 by themselves. And a run that goes on must
  // give the same numbers: cuBLAS reads its variable when the first handle is made.
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  at::globalContext().setDeterministicFillUninitializedMemory(false);  // nothing here reads it
  return {at::kCUDA, static_cast<at::DeviceIndex>(device.index)};
}

Precision precision_on(const Device& device, Precision setting) {
  if (setting != Precision::kAuto) return setting;
  return has_tf32(device) ? Precision::kTf32 : Precision::kFp32;
}

void use_precision(Precision precision, CharRnn& model) {
  // In bf16, too: without it LibTorch forbids cuDNN the tensor cores there (ATen/cudnn/Descriptors.h).
  at::globalContext().setAllowTF32CuDNN(precision != Precision::kFp32 && precision != Precision::kAuto);
  at::globalContext().setAllowTF32CuBLAS(precision == Precision::kTf32);
  if (precision == Precision::kBf16) {
    model.compute_in(at::kBFloat16);
  } else if (precision == Precision::kFp16) {
    model.compute_in(at::kHalf);
  } else {
    model.compute_in(model.parameters().values().scalar_type());
  }
}

}  // namespace charrnn
