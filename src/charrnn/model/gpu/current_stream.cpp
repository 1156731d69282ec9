#include "charrnn/model/gpu/current_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace charrnn {

void* current_stream(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return nullptr;
  const c10::impl::VirtualGuardImpl device(tensor.device().type());
  return device.getStream(tensor.device()).native_handle();
}

}  // namespace charrnn
