#include "charrnn/comm/place/devices.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

std::string table(const std::vector<RankDevices>& ranks) {
  std::string text = "  rank, host: device, backend (as configured), GPUs";
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const RankDevices& r = ranks[rank];
    text += concat("\n  ", rank, ", ", r.host, ": ", enum_name(r.device), ", ", enum_name(r.backend), ", ");
    if (r.device == DeviceName::kCpu) {
      text += "not requested";
    } else if (r.gpus.usable()) {
      text += concat(r.gpus.gpus.size(), " visible");
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
               "\nset run.device to cpu, or start all ranks on hosts with GPUs");
  }
}

std::vector<std::string> uuids_of(const std::vector<Gpu>& gpus) {
  std::vector<std::string> uuids;
  for (const Gpu& gpu : gpus) uuids.push_back(gpu.uuid);
  return uuids;
}

}  // namespace

std::string to_string(const Device& device) {
  if (!device.cuda) return "cpu";
  return concat("cuda:", device.index, " (", device.gpu.kind, ", ", device.gpu.uuid,
                device.is_shared ? ", shared by ranks: CHARRNN_SHARE_GPU" : "", ")");
}

bool has_tf32(const Device& device) {
  return device.cuda && device.gpu.major >= 8;
}

bool are_alike(const std::vector<Device>& devices) {
  const auto kind = [](const Device& d) { return std::tuple(d.cuda, d.gpu.kind, d.gpu.major, d.gpu.minor); };
  return std::all_of(devices.begin(), devices.end(),
                     [&](const Device& device) { return kind(device) == kind(devices[0]); });
}

std::vector<Device> choose_devices(const std::vector<RankDevices>& ranks) {
  check(!ranks.empty(), "expected at least one rank to choose devices for, found none");
  check_same_kind(ranks);
  if (ranks[0].device == DeviceName::kCuda && !ranks[0].gpus.usable()) {
    fail_usage("run.device is cuda, but on ", ranks[0].host, " no GPU can be used: ", ranks[0].gpus.missing,
               ". Fix that, or set run.device to auto or cpu");
  }
  std::vector<Device> devices(ranks.size());
  if (ranks[0].device == DeviceName::kCpu || !ranks[0].gpus.usable()) return devices;

  const bool may_share =
      std::all_of(ranks.begin(), ranks.end(), [](const RankDevices& r) { return r.may_share; });
  std::map<std::vector<std::string>, size_t> taken;  // from each list of GPUs, by earlier ranks
  std::map<std::string, size_t> owner;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto& gpus = ranks[rank].gpus.gpus;
    check(!gpus.empty(), "expected a GPU on rank ", rank, ", found an empty list");
    const size_t index = taken[uuids_of(gpus)]++ % gpus.size();
    devices[rank] = {.cuda = true, .index = static_cast<int>(index), .gpu = gpus[index]};
    const auto [first, is_free] = owner.emplace(gpus[index].uuid, rank);
    if (is_free) continue;
    if (!may_share) {
      fail_usage("expected a GPU for each rank, found ranks ", first->second, " and ", rank, " of ",
                 ranks[rank].host, " on the same one, ", gpus[index].uuid, " (", gpus.size(),
                 " visible there): start as many ranks on a host as it has GPUs, or set run.device to cpu");
    }
    devices[rank].is_shared = devices[first->second].is_shared = true;
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
            "or run.device to cuda to see why no GPU is used");
      }
      break;
  }
  return configured;
}

}  // namespace charrnn
