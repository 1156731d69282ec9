// Which device each rank computes on: a GPU of its own, or cores of the CPU. Found at run time: nothing here
// needs CUDA to build or to run. Every rank says what it sees, then all draw the same conclusion from the
// same table.
#pragma once

#include <string>
#include <vector>

#include "charrnn/config/settings.h"

namespace charrnn {

// A GPU as the driver describes it.
struct Gpu {
  std::string uuid;  // "GPU-...", or "MIG-..." for a part of a split one, as nvidia-smi -L prints it
  std::string kind;  // its name, "NVIDIA H100 80GB HBM3"
  int major = 0;     // compute capability, 9.0
  int minor = 0;
  bool operator==(const Gpu&) const = default;
};

struct Device {
  bool cuda = false;
  int index = 0;           // among the GPUs this process sees
  Gpu gpu;                 // empty for the CPU
  bool is_shared = false;  // other ranks compute on it too
};

// "cpu", "cuda:1 (NVIDIA H100 80GB HBM3, GPU-...)"
std::string to_string(const Device& device);

// Whether it multiplies in TF32: GPUs of compute capability 8.0 and later do.
bool has_tf32(const Device& device);

// Whether equal work gives equal bits on all of them: GPUs of one name and compute capability, or CPUs alone.
bool are_alike(const std::vector<Device>& devices);

// The GPUs a process sees (CUDA_VISIBLE_DEVICES and Slurm's binding hide others), in the driver's order.
struct VisibleGpus {
  std::vector<Gpu> gpus;
  std::string missing;  // what is missing to compute on them; empty if nothing is
  bool usable() const { return missing.empty(); }
};

// Asks the NVIDIA driver for GPUs, checks that they and the driver fit what this charrnn was built with
// (cuda_build.h), and loads LibTorch's CUDA part. Call it before the first tensor is made.
VisibleGpus find_gpus(const char* driver_library = "libcuda.so.1",
                      const char* torch_library = "libtorch_cuda.so");

// Loads LIBRARY for the whole process, as the executable's RUNPATH finds it. Gives what failed, or nothing.
std::string load_cuda(const char* library);

struct RankDevices {
  std::string host;
  DeviceName device = DeviceName::kAuto;  // as configured
  Backend backend = Backend::kAuto;       // as configured
  VisibleGpus gpus;                       // left empty where the CPU is configured
  bool may_share = false;                 // CHARRNN_SHARE_GPU=1: for tests of several ranks on one GPU
};

// One device per rank. Ranks that see the same list of GPUs take them in turn, so a rank that sees a single
// one of its own takes that. Throws Error (usage), with a table, where two ranks would share a GPU and not
// all ranks may, where some have a GPU and others not, where settings differ, and where a GPU is configured
// and missing.
std::vector<Device> choose_devices(const std::vector<RankDevices>& ranks);

// The backend that fits, never kAuto. UNDER_MPI: mpirun or srun started the ranks. Throws Error (usage) where
// the configured one cannot work.
Backend choose_backend(Backend configured, bool cuda, size_t ranks, bool under_mpi);

}  // namespace charrnn
