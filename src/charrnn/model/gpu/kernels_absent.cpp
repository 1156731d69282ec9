// The functions of gpu_kernels.h in a build without CUDA: they fail, with the reason.
#include "charrnn/core/error.h"
#include "charrnn/model/gpu/gpu_kernels.h"

namespace charrnn {

std::string kernels_missing(int /*device*/) {
  return "this charrnn was built without CUDA";
}

void launch_dropout(const DropoutLaunch& /*launch*/, int device, void* /*stream*/) {
  fail(kernels_missing(device));
}

}  // namespace charrnn
