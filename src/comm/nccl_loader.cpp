#include <dlfcn.h>

#include "comm/nccl_backend.h"
#include "comm/nccl_module.h"

namespace charrnn {
namespace {

// The module stays loaded: NCCL and CUDA have threads of their own that must not lose their code.
template <class Function>
Function find(const char* name) {
  static void* const module = dlopen(kNcclModule, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* reason = dlerror();
    fail("expected ", kNcclModule, " in the folder lib beside the tool's bin, found: ",
         reason != nullptr ? reason : "it did not load before", ". Build or install charrnn again");
  }
  void* const function = dlsym(module, name);
  check(function != nullptr, "expected ", name, " in ", kNcclModule,
        ", which is not there: it belongs to another charrnn; build or install again");
  return reinterpret_cast<Function>(function);
}

}  // namespace

std::string nccl_missing() {
  return "";
}

NcclVersions nccl_versions() {
  NcclVersions versions;
  find<NcclVersionsFunction>(kNcclVersions)(&versions);
  return versions;
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, int device_index,
                                                     bool devices_are_alike, Watchdog& watchdog) {
  const GpuSetup setup{.host = &host,
                       .log = &watchdog.log(),
                       .device_index = device_index,
                       .devices_are_alike = devices_are_alike};
  return std::unique_ptr<Communicator>(find<GpuMakeFunction>(kNcclMake)(&setup));
}

std::unique_ptr<Communicator> make_one_gpu_communicator(Communicator& host, int device_index,
                                                        Watchdog& watchdog) {
  const GpuSetup setup{
      .host = &host, .log = &watchdog.log(), .device_index = device_index, .devices_are_alike = true};
  return std::unique_ptr<Communicator>(find<GpuMakeFunction>(kOneGpuMake)(&setup));
}

}  // namespace charrnn
