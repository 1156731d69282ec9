// Calls the functions of gpu_kernels.h in the module, which is loaded at the first call.
#include "charrnn/core/error.h"
#include "charrnn/core/module.h"
#include "charrnn/model/gpu/kernel_module.h"

namespace charrnn {

std::string kernels_missing(int device) {
  std::string reason;
  try {
    static const auto function = module_function<KernelsMissingFunction>(kKernelModule, kKernelsMissing);
    function(device, &reason);
  } catch (const Error& error) {
    reason = error.what();
  }
  return reason;
}

void launch_dropout(const DropoutLaunch& launch, int device, void* stream) {
  static const auto function = module_function<LaunchDropoutFunction>(kKernelModule, kLaunchDropout);
  function(&launch, device, stream);
}

}  // namespace charrnn
