// Which device each rank computes on: a GPU of its own, or cores of the CPU. Found at run time: nothing here
// needs CUDA to build or to run. Every rank says what it sees, then all draw the same conclusion from the
// same table.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace charrnn {

struct Device {
  bool cuda = false;
  int index = 0;     // among the GPUs this process sees
  std::string uuid;  // "GPU-..." as nvidia-smi -L prints it; empty for the CPU
};

// "cpu", "cuda:1 (GPU-...)"
std::string to_string(const Device& device);

// The GPUs a process sees (CUDA_VISIBLE_DEVICES and Slurm's binding hide others), in the driver's order.
struct VisibleGpus {
  std::vector<std::string> uuids;
  std::string missing;  // what is missing to compute on them; empty where nothing is
  bool usable() const { return missing.empty(); }
};

// Asks the NVIDIA driver; where it has GPUs, loads LibTorch's CUDA part too. Call it before the first tensor
// is made.
VisibleGpus find_gpus(const char* driver_library = "libcuda.so.1",
                      const char* torch_library = "libtorch_cuda.so");

// Loads LIBRARY for the whole process, as the executable's RUNPATH finds it. Gives what failed, or nothing.
std::string load_cuda(const char* library);

struct RankDevices {
  std::string host;
  DeviceName device = DeviceName::kAuto;  // as configured
  Backend backend = Backend::kAuto;       // as configured
  VisibleGpus gpus;                       // left empty where the CPU is configured
};

// One device per rank. Ranks that see the same list of GPUs take them in turn, so a rank that sees a single
// one of its own takes that. Throws Error (usage), with a table, where two ranks would share a GPU, where
// some have a GPU and others not, where settings differ, and where a GPU is configured and missing.
std::vector<Device> choose_devices(const std::vector<RankDevices>& ranks);

// The backend that fits, never kAuto. UNDER_MPI: mpirun or srun started the ranks. Throws Error (usage) where
// the configured one cannot work.
Backend choose_backend(Backend configured, bool cuda, size_t ranks, bool under_mpi);

}  // namespace charrnn
