// The interface between charrnn and its CUDA module, which is loaded at run time and linked only with the
// CUDA runtime and NCCL. Both are built together; charrnn looks up the functions by name.
#pragma once

#include "charrnn/comm/communicator.h"
#include "charrnn/comm/nccl/nccl_versions.h"
#include "charrnn/comm/operation_log.h"

namespace charrnn {

inline constexpr const char* kNcclModule = "libcharrnn_nccl.so";
inline constexpr const char* kNcclVersions = "charrnn_nccl_versions";
inline constexpr const char* kNcclMake = "charrnn_nccl_make";
inline constexpr const char* kOneGpuMake = "charrnn_one_gpu_make";

struct GpuSetup {
  Communicator* host;  // its wait_until limits every wait
  OperationLog* log;   // the host communicator's
  int device_index;
  bool devices_are_alike;  // the devices of all ranks
};

using NcclVersionsFunction = void (*)(NcclVersions*);
using GpuMakeFunction = Communicator* (*)(const GpuSetup*);  // the caller owns it; throws Error

}  // namespace charrnn
