// The communicators on GPUs as charrnn sees them. They are in a module, libcharrnn_nccl.so, that is loaded if
// a rank has a GPU, so that the same program runs on machines without CUDA. The build chooses which file
// defines these functions: nccl_loader.cpp, or nccl_absent.cpp with -DCHARRNN_CUDA=OFF.
#pragma once

#include <memory>
#include <string>

#include "charrnn/comm/communicator.h"
#include "charrnn/comm/watchdog.h"

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
// which must outlive it, as must WATCHDOG. DEVICES_ARE_ALIKE: see Communicator. Every rank calls it.
std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, int device_index,
                                                     bool devices_are_alike, Watchdog& watchdog);

// The group of one on the GPU DEVICE_INDEX, without NCCL: its waits for the GPU are under the deadline. HOST
// is a group of one too; it and WATCHDOG must outlive it.
std::unique_ptr<Communicator> make_one_gpu_communicator(Communicator& host, int device_index,
                                                        Watchdog& watchdog);

}  // namespace charrnn
