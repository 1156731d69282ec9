// The CUDA that this charrnn and its LibTorch were built with, and whether it fits a driver and its GPUs.
#pragma once

#include <string>
#include <vector>

#include "charrnn/comm/place/gpu.h"

namespace charrnn {

struct CudaBuild {
  int runtime = 0;                // the CUDA runtime's version: major * 1000 + minor * 10
  std::vector<std::string> code;  // of LibTorch's kernels, in nvcc's terms: "sm_90", "compute_120"
};

// As CMake read it from LibTorch's headers; empty in a build without CUDA.
CudaBuild cuda_build();

// Why kernels of that build do not run with a driver for CUDA `driver_version` (in the format of `runtime`)
// on these GPUs: what was found, what is needed and what to do. Empty if they run.
std::string find_mismatch(const CudaBuild& build, int driver_version, const std::vector<Gpu>& gpus);

}  // namespace charrnn
