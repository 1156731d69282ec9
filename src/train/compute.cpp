#include "train/compute.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

namespace charrnn {

at::Device prepare_compute(const Session& session, std::optional<int64_t> threads) {
  // Before the pool's threads exist, which inherit it: denormals cost a hundred times a normal number.
  at::globalContext().setFlushDenormal(true);
  at::set_num_threads(static_cast<int>(threads.value_or(session.threads())));
  const Device& device = session.device();
  if (!device.cuda) return at::kCPU;
  return {at::kCUDA, static_cast<at::DeviceIndex>(device.index)};
}

}  // namespace charrnn
