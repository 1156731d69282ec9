// The CUDA that this charrnn and its LibTorch were built with, and the drivers and GPUs that it runs on.
#pragma once

#include <string>
#include <vector>

#include "charrnn/comm/place/gpu.h"

namespace charrnn {

struct CudaBuild {
  int runtime = 0;                // the CUDA runtime's version: major * 1000 + minor * 10
  std::vector<std::string> code;  // of LibTorch's kernels, as nvcc calls it: "sm_90", "compute_120"
};

// Read from LibTorch's headers when CMake ran; empty in a build without CUDA.
CudaBuild cuda_build();

// Why kernels of that build do not run with a driver for CUDA `driver_version` (counted as the runtime's) on
// these GPUs: what was found, what is needed and what to do. Empty if they run.
std::string find_mismatch(const CudaBuild& build, int driver_version, const std::vector<Gpu>& gpus);

}  // namespace charrnn
