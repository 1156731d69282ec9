// Between charrnn and its NCCL module, which is loaded at run time and linked with the CUDA runtime and NCCL
// alone. Both are built together; the functions are found by name.
#pragma once

#include <functional>

#include "comm/communicator.h"
#include "comm/nccl_backend.h"
#include "comm/wait_limit.h"

namespace charrnn {

inline constexpr const char* kNcclModule = "libcharrnn_nccl.so";
inline constexpr const char* kNcclVersions = "charrnn_nccl_versions";
inline constexpr const char* kNcclMake = "charrnn_nccl_make";

struct NcclSetup {
  Communicator* host;
  int device_index;
  double timeout_seconds;
  // Prints and writes the report of a wait that was too long, and ends the process. In any thread.
  std::function<void(const Wait&)> give_up;
};

using NcclVersionsFunction = void (*)(NcclVersions*);
using NcclMakeFunction = Communicator* (*)(const NcclSetup*);  // the caller owns it; throws Error

}  // namespace charrnn
