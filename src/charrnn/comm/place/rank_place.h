// Where a rank runs: its host, the GPUs that it sees and its cores. Each rank sends its place to the others.
#pragma once

#include <string>
#include <vector>

#include "charrnn/comm/place/cores.h"
#include "charrnn/comm/place/devices.h"
#include "charrnn/config/settings.h"

namespace charrnn {

struct RankPlace {
  RankDevices devices;
  RankCores cores;
};

RankPlace find_rank_place(const std::string& host, DeviceName device, Backend backend);

// For sending.
std::string to_bytes(const RankPlace& place);
RankPlace rank_place_of(const std::string& bytes);

// One line per rank (with many ranks, per host): host, device and cores. `devices` are the chosen ones.
std::string place_table(const std::vector<RankCores>& cores, const std::vector<Device>& devices);

}  // namespace charrnn
