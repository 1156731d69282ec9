#include "charrnn/comm/place/rank_place.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "charrnn/comm/launcher.h"
#include "charrnn/core/environment.h"
#include "charrnn/core/error.h"
#include "charrnn/core/text_table.h"

namespace charrnn {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Gpu, uuid, kind, major, minor)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VisibleGpus, gpus, missing)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RankDevices, host, device, backend, gpus, may_share)

RankPlace find_rank_place(const std::string& host, DeviceName device, Backend backend) {
  RankPlace place;
  place.devices.host = place.cores.host = host;
  place.devices.device = device;
  place.devices.backend = backend;
  if (device != DeviceName::kCpu) place.devices.gpus = find_gpus();
  place.devices.may_share = environment_variable("CHARRNN_SHARE_GPU") == "1";
  place.cores.cores = usable_cores();
  place.cores.quota = core_quota();
  // mpirun binds its children, but not itself; under Slurm a task has the cores that were requested.
  if (started_by_mpirun()) place.cores.available = usable_cores(getppid());
  return place;
}

std::string to_bytes(const RankPlace& place) {
  const nlohmann::json json{{"devices", place.devices},
                            {"cores", place.cores.cores},
                            {"available", place.cores.available},
                            {"quota", place.cores.quota.value_or(0)}};  // 0: unlimited
  std::string bytes;
  nlohmann::json::to_cbor(json, bytes);  // CBOR, because texts in JSON must be UTF-8
  return bytes;
}

RankPlace rank_place_of(const std::string& bytes) {
  try {
    const nlohmann::json json = nlohmann::json::from_cbor(bytes);
    RankPlace place;
    place.devices = json.at("devices").get<RankDevices>();
    place.cores.host = place.devices.host;
    json.at("cores").get_to(place.cores.cores);
    json.at("available").get_to(place.cores.available);
    if (const double quota = json.at("quota"); quota > 0) place.cores.quota = quota;
    return place;
  } catch (const nlohmann::json::exception& problem) {
    fail("cannot read the list of devices and cores that a rank sent (", problem.what(),
         "): start the same version of charrnn on all ranks");
  }
}

std::string place_table(const std::vector<RankCores>& cores, const std::vector<Device>& devices) {
  constexpr size_t kMostRanks = 32;
  std::vector<std::vector<std::string>> rows{{"rank", "host", "device", "cores"}};
  for (size_t first = 0; first < cores.size();) {
    size_t end = first + 1;
    while (cores.size() > kMostRanks && end < cores.size() && cores[end].host == cores[first].host) ++end;
    const bool is_one = end == first + 1;
    const std::string ranks = is_one ? concat(first) : concat(first, "-", end - 1);
    const std::string kind = devices[first].cuda ? "cuda" : "cpu";
    const bool is_bound = cores[first].cores.size() < cores[first].available.size();
    rows.push_back({ranks, cores[first].host, is_one ? to_string(devices[first]) : kind,
                    core_list(cores[first].cores) + (is_bound ? " (bound)" : "") +
                        (cores[first].quota ? concat(" (limited to ", *cores[first].quota, " cores)") : "")});
    first = end;
  }
  return text_table(rows);
}

}  // namespace charrnn
