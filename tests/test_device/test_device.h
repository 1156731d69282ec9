// A device for tests, instead of a GPU: LibTorch's PrivateUse1 backend with memory that host code cannot
// access, the CPU's kernels, and counts of the work that a GPU would have done.
//
// A device tensor's data pointer is in address space without access rights: a host that uses it is ended by
// SIGSEGV. New memory contains bytes 0xff (floats that are NaN). Kernels run at once, but copies between the
// device and pinned memory behave as on a GPU: the result of a non-blocking copy to the host is available
// only after the host has waited, and writing to pinned memory before the host has waited for its copy is an
// error.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace charrnn {

// Counts since the last reset_counts().
struct DeviceCounts {
  // Calls that run kernels: one for each operator of ATen, whatever the number of kernels that CUDA would
  // launch. Views, allocations and plain copies between host and device do not count.
  int64_t operations = 0;
  // Calls for which the host would wait: items, blocking copies, copies of pageable memory, results whose
  // size or value the host needs, and waits for a stream, an event or the device.
  int64_t synchronizations = 0;
  int64_t copies_to_device = 0;
  int64_t copies_to_host = 0;              // items too
  int64_t unpinned_copies = 0;             // of both kinds, if the host's memory is not pinned
  std::map<std::string, int64_t> by_name;  // operations: "addmm", "_fused_adamw_", without their overloads
  std::map<std::string, int64_t> synchronizations_by_name;
};

// Bytes of device memory.
struct DeviceMemory {
  int64_t live = 0;
  int64_t peak = 0;    // of `live` since the last reset_counts()
  int64_t cached = 0;  // mapped, but not live
};

// The only device. A program that links this library has it from its start, before LibTorch's first backward
// pass, which starts a thread for each device.
at::Device test_device();

DeviceCounts counts();
void reset_counts();
std::string counts_text();  // one line for each name, for the messages of tests

DeviceMemory device_memory();
void release_cached_memory();

}  // namespace charrnn
