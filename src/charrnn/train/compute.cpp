#include "charrnn/train/compute.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "charrnn/core/environment.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/number_text.h"

namespace charrnn {
namespace {

// OMP_NUM_THREADS; of "4,2" the first number, as in OpenMP. nullopt if it is not set or not a number.
std::optional<int> environment_threads() {
  const std::optional<std::string> text = environment_variable("OMP_NUM_THREADS");
  if (!text) return std::nullopt;
  int threads = 0;
  const std::string_view value(*text);
  const auto result = std::from_chars(value.begin(), value.end(), threads);
  const bool is_number = result.ec == std::errc() && (result.ptr == value.end() || *result.ptr == ',');
  if (is_number && threads > 0) return threads;
  log::warning(concat("OMP_NUM_THREADS is '", *text,
                      "', expected a number of at least 1: it is ignored (run.threads sets the "
                      "threads of a rank)"));
  return std::nullopt;
}

// run.threads, else OMP_NUM_THREADS, else this rank's share of the cores.
int chosen_threads(const Session& session, std::optional<int64_t> setting) {
  if (setting) return static_cast<int>(*setting);
  const std::optional<int> wanted = environment_threads();
  if (!wanted) return session.threads();
  if (*wanted != session.threads()) {
    log::info(concat("each rank computes with ", plural(*wanted, "thread"),
                     " (OMP_NUM_THREADS); its share of the cores is ", session.threads(),
                     ": to use that many, unset the variable or set run.threads"));
  }
  return *wanted;
}

}  // namespace

at::Device prepare_compute(const Session& session, std::optional<int64_t> threads) {
  // Set before the pool's threads are created, which inherit it: computing with denormals is a hundred times
  // slower.
  at::globalContext().setFlushDenormal(true);
  at::set_num_threads(chosen_threads(session, threads));
  const Device& device = session.device();
  if (!device.cuda) return at::kCPU;
  // With fp32 nothing rounds to TF32, as cuDNN's recurrent layers would by default. And a resumed run must
  // compute the same numbers: cuBLAS reads its variable when the first handle is created.
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
  // Also for bf16: otherwise LibTorch does not let cuDNN use the tensor cores (ATen/cudnn/Descriptors.h).
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
