// The section `run`: the folder of a run, its seed, and the machine it uses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "charrnn/config/enum_names.h"

namespace charrnn {

enum class DeviceName { kAuto, kCpu, kCuda };
constexpr auto names_of(DeviceName) {
  return enum_names("auto", "cpu", "cuda");
}

enum class ProgressDisplay { kAuto, kLive, kPlain };
constexpr auto names_of(ProgressDisplay) {
  return enum_names("auto", "live", "plain");
}

struct RunSettings {
  std::string output;  // folder of the run
  int64_t seed = 1;    // of all random numbers
  DeviceName device = DeviceName::kAuto;
  std::optional<int64_t> threads;  // of each rank
  ProgressDisplay progress = ProgressDisplay::kAuto;
  std::optional<double> stop_before_limit;  // seconds before Slurm's time limit
};

}  // namespace charrnn
