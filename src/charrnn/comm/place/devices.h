// Chooses the device of each rank: a GPU, or cores of the CPU. This needs no CUDA to be built or run. Every
// rank sends the list of its devices to the others, then all choose from the same table.
#pragma once

#include <string>
#include <vector>

#include "charrnn/comm/place/visible_gpus.h"
#include "charrnn/config/comm_settings.h"
#include "charrnn/config/run_settings.h"

namespace charrnn {

struct Device {
  bool cuda = false;
  int index = 0;           // among the GPUs that this process sees
  Gpu gpu;                 // empty for the CPU
  bool is_shared = false;  // other ranks compute on it too
};

// "cpu", "cuda:1 (NVIDIA H100 80GB HBM3, GPU-...)"
std::string to_string(const Device& device);

// Whether it multiplies in TF32: GPUs of compute capability 8.0 and later do.
bool has_tf32(const Device& device);

// Whether the same work has bit for bit the same result on all of them: on GPUs of one name and compute
// capability, or if all are CPUs.
bool are_alike(const std::vector<Device>& devices);

struct RankDevices {
  std::string host;
  DeviceName device = DeviceName::kAuto;  // as configured
  Backend backend = Backend::kAuto;       // as configured
  VisibleGpus gpus;                       // left empty if the CPU is configured
  bool may_share = false;                 // CHARRNN_SHARE_GPU=1: for tests of several ranks on one GPU
};

// One device per rank. Ranks that see the same list of GPUs take them in turn, so a rank that sees only one
// takes it. Throws Error (kInput) if two ranks would share a GPU and not all ranks may, if some ranks have a
// GPU and others do not, if settings differ, and if a GPU is configured but missing.
std::vector<Device> choose_devices(const std::vector<RankDevices>& ranks);

// The backend to use, never kAuto. `under_mpi`: mpirun or srun started the ranks. Throws Error (kInput) if
// the configured one cannot work.
Backend choose_backend(Backend configured, bool cuda, size_t ranks, bool under_mpi);

}  // namespace charrnn
