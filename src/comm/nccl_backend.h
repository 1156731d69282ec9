// The NCCL backend as charrnn sees it. It is a module of its own, libcharrnn_nccl.so, loaded where a rank has
// a GPU, so that the same program runs on machines without CUDA. The build chooses who defines these
// functions: nccl_loader.cpp, or nccl_absent.cpp with -DCHARRNN_CUDA=OFF.
#pragma once

#include <memory>
#include <string>

#include "comm/communicator.h"
#include "comm/watchdog.h"

namespace charrnn {

// Why this build cannot use GPUs; empty if it can.
std::string nccl_missing();

// Versions as NCCL (major * 10000 + minor * 100 + patch) and the CUDA runtime (major * 1000 + minor * 10)
// count them.
struct NcclVersions {
  int nccl_built = 0;  // of the headers the module was compiled with
  int nccl_loaded = 0;
  int cuda_built = 0;
  int cuda_loaded = 0;
};

// Loads the module and asks. Throws Error where it does not load.
NcclVersions nccl_versions();

// Throws Error naming both where a built and a loaded version differ: the classic cause of a crash much
// later.
void check_versions(const NcclVersions& versions);

// A communicator between the GPUs of HOST's ranks, this one's being DEVICE_INDEX. Host operations go to HOST,
// which must outlive it, as must WATCHDOG. Every rank calls it.
std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, int device_index,
                                                     Watchdog& watchdog);

}  // namespace charrnn
