#include "comm/devices.h"

#include <map>

#include "core/error.h"

namespace charrnn {
namespace {

std::string table(const std::vector<RankDevices>& ranks) {
  std::string text = "  rank, host: device, backend (as configured), GPUs";
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const RankDevices& r = ranks[rank];
    text += concat("\n  ", rank, ", ", r.host, ": ", enum_name(r.device), ", ", enum_name(r.backend), ", ");
    if (r.device == DeviceName::kCpu) {
      text += "not asked for";
    } else if (r.gpus.usable()) {
      text += concat(r.gpus.uuids.size(), " visible");
    } else {
      text += "none usable: " + r.gpus.missing;
    }
  }
  return text;
}

void check_same_kind(const std::vector<RankDevices>& ranks) {
  bool same = true;
  for (const RankDevices& r : ranks) {
    same = same && r.device == ranks[0].device && r.backend == ranks[0].backend &&
           (r.device == DeviceName::kCpu || r.gpus.usable() == ranks[0].gpus.usable());
  }
  if (!same) {
    fail_usage("expected all ranks to have the same kind of device and backend, found\n", table(ranks),
               "\nset run.device to cpu, or start every rank where it finds a GPU");
  }
}

}  // namespace

std::string to_string(const Device& device) {
  return device.cuda ? concat("cuda:", device.index, " (", device.uuid, ")") : "cpu";
}

std::vector<Device> choose_devices(const std::vector<RankDevices>& ranks) {
  check(!ranks.empty(), "expected at least one rank to choose devices for, found none");
  check_same_kind(ranks);
  if (ranks[0].device == DeviceName::kCuda && !ranks[0].gpus.usable()) {
    fail_usage("run.device is cuda, but on ", ranks[0].host, " no GPU can be used: ", ranks[0].gpus.missing,
               ". Mend that, or set run.device to auto or cpu");
  }
  std::vector<Device> devices(ranks.size());
  if (ranks[0].device == DeviceName::kCpu || !ranks[0].gpus.usable()) return devices;

  std::map<std::vector<std::string>, size_t> taken;  // by ranks before, of each list of GPUs
  std::map<std::string, size_t> owner;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto& gpus = ranks[rank].gpus.uuids;
    check(!gpus.empty(), "expected a GPU on rank ", rank, ", found an empty list");
    const size_t index = taken[gpus]++ % gpus.size();
    const auto [first, is_free] = owner.emplace(gpus[index], rank);
    if (!is_free) {
      fail_usage("expected a GPU for each rank, found ranks ", first->second, " and ", rank, " of ",
                 ranks[rank].host, " on the same one, ", gpus[index], " (", gpus.size(),
                 " visible there): start as many ranks on a host as it has GPUs, or set run.device to cpu");
    }
    devices[rank] = {true, static_cast<int>(index), gpus[index]};
  }
  return devices;
}

Backend choose_backend(Backend configured, bool cuda, size_t ranks, bool under_mpi) {
  switch (configured) {
    case Backend::kAuto:
      if (cuda && ranks > 1) return Backend::kNccl;
      return under_mpi && !cuda ? Backend::kMpi : Backend::kSolo;
    case Backend::kSolo:
      if (ranks > 1) {
        fail_usage("comm.backend is solo, a group of one, but ", ranks,
                   " ranks were started: set comm.backend to auto, or start without mpirun");
      }
      break;
    case Backend::kMpi:
      if (!under_mpi) {
        fail_usage(
            "comm.backend is mpi, but this process was started alone: start it with launch/run, mpirun or "
            "srun --mpi=pmix, or set comm.backend to auto");
      }
      if (cuda) {
        fail_usage(
            "comm.backend is mpi, which works on host memory, but the device is a GPU: set comm.backend to "
            "auto or nccl, or run.device to cpu");
      }
      break;
    case Backend::kNccl:
      if (!cuda) {
        fail_usage(
            "comm.backend is nccl, which works on GPUs, but the device is the CPU: set comm.backend to auto, "
            "or run.device to cuda to hear which GPU part is missing");
      }
      break;
  }
  return configured;
}

}  // namespace charrnn
