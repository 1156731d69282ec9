// A GPU as the driver describes it.
#pragma once

#include <string>

namespace charrnn {

struct Gpu {
  std::string uuid;  // "GPU-...", or "MIG-..." for a part of a split one, as nvidia-smi -L prints it
  std::string kind;  // its name, "NVIDIA H100 80GB HBM3"
  int major = 0;     // compute capability, 9.0
  int minor = 0;
  bool operator==(const Gpu&) const = default;
};

}  // namespace charrnn
