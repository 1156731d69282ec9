#include <dlfcn.h>

#include "core/error.h"
#include "kernels/kernel_module.h"

namespace charrnn {
namespace {

// The module stays loaded: so does the code on the GPU.
template <class Function>
Function find(const char* name) {
  static void* const module = dlopen(kKernelModule, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* reason = dlerror();
    fail("expected ", kKernelModule, " in the folder lib beside the tool's bin, found: ",
         reason != nullptr ? reason : "it did not load before");
  }
  void* const function = dlsym(module, name);
  check(function != nullptr, "expected ", name, " in ", kKernelModule,
        ", which is not there: it belongs to another charrnn; build or install again");
  return reinterpret_cast<Function>(function);
}

}  // namespace

std::string kernels_missing(int device) {
  std::string reason;
  try {
    find<KernelsMissingFunction>(kKernelsMissing)(device, &reason);
  } catch (const Error& error) {
    reason = error.what();
  }
  return reason;
}

void launch_dropout(const DropoutLaunch& launch, int device, void* stream) {
  static const auto function = find<LaunchDropoutFunction>(kLaunchDropout);
  function(&launch, device, stream);
}

}  // namespace charrnn
