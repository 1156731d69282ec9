// The GPUs that this process sees (CUDA_VISIBLE_DEVICES and Slurm's binding hide others). Calls the driver
// without CUDA's headers, so it can be compiled and run everywhere.
#pragma once

#include <string>
#include <vector>

#include "charrnn/comm/place/gpu.h"

namespace charrnn {

struct VisibleGpus {
  std::vector<Gpu> gpus;  // in the driver's order
  std::string missing;    // what prevents their use; empty if they can be used
  bool usable() const { return missing.empty(); }
};

// Asks the NVIDIA driver for GPUs, checks that they and the driver fit the CUDA that charrnn was built with
// (cuda_build.h), and loads LibTorch's CUDA part. Call it before the first tensor is created.
VisibleGpus find_gpus(const char* driver_library = "libcuda.so.1",
                      const char* torch_library = "libtorch_cuda.so");

}  // namespace charrnn
