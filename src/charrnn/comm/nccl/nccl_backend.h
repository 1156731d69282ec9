// Creates communicators on GPUs. They are in a module, libcharrnn_nccl.so, that is loaded only if a rank has
// a GPU, so the same program runs on machines without CUDA. The build chooses the file that defines these
// functions: nccl_loader.cpp, or nccl_absent.cpp with -DCHARRNN_CUDA=OFF.
#pragma once

#include <memory>
#include <string>

#include "charrnn/comm/communicator.h"
#include "charrnn/comm/nccl/nccl_versions.h"
#include "charrnn/comm/watchdog.h"

namespace charrnn {

// Why this build cannot use GPUs; empty if it can.
std::string nccl_missing();

// Loads the module, which has the versions. Throws Error if it does not load.
NcclVersions nccl_versions();

// A communicator between the GPUs of the ranks of `host`; this rank's GPU is `device_index`. Host operations
// use `host`. `host` and `watchdog` must outlive it. `devices_are_alike`: see Communicator. Every rank calls
// this function.
std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, int device_index,
                                                     bool devices_are_alike, Watchdog& watchdog);

// The group of one on the GPU `device_index`, without NCCL: its waits for the GPU have the usual time limit.
// `host` is a group of one too; it and `watchdog` must outlive the communicator.
std::unique_ptr<Communicator> make_one_gpu_communicator(Communicator& host, int device_index,
                                                        Watchdog& watchdog);

}  // namespace charrnn
