// Between charrnn and its NCCL module, which is loaded at run time and linked with the CUDA runtime and NCCL
// alone. Both are built together; the functions are found by name.
#pragma once

#include "comm/communicator.h"
#include "comm/nccl_backend.h"
#include "comm/operation_log.h"

namespace charrnn {

inline constexpr const char* kNcclModule = "libcharrnn_nccl.so";
inline constexpr const char* kNcclVersions = "charrnn_nccl_versions";
inline constexpr const char* kNcclMake = "charrnn_nccl_make";

struct NcclSetup {
  Communicator* host;  // its wait_until sets the end to every wait
  OperationLog* log;   // the host communicator's
  int device_index;
};

using NcclVersionsFunction = void (*)(NcclVersions*);
using NcclMakeFunction = Communicator* (*)(const NcclSetup*);  // the caller owns it; throws Error

}  // namespace charrnn
