#include "charrnn/comm/nccl/nccl_backend.h"
#include "charrnn/comm/nccl/nccl_module.h"
#include "charrnn/core/module.h"

namespace charrnn {

std::string nccl_missing() {
  return "";
}

NcclVersions nccl_versions() {
  NcclVersions versions;
  module_function<NcclVersionsFunction>(kNcclModule, kNcclVersions)(&versions);
  return versions;
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, int device_index,
                                                     bool devices_are_alike, Watchdog& watchdog) {
  const GpuSetup setup{.host = &host,
                       .log = &watchdog.log(),
                       .device_index = device_index,
                       .devices_are_alike = devices_are_alike};
  return std::unique_ptr<Communicator>(module_function<GpuMakeFunction>(kNcclModule, kNcclMake)(&setup));
}

std::unique_ptr<Communicator> make_one_gpu_communicator(Communicator& host, int device_index,
                                                        Watchdog& watchdog) {
  const GpuSetup setup{
      .host = &host, .log = &watchdog.log(), .device_index = device_index, .devices_are_alike = true};
  return std::unique_ptr<Communicator>(module_function<GpuMakeFunction>(kNcclModule, kOneGpuMake)(&setup));
}

}  // namespace charrnn
