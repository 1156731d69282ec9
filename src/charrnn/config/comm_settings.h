// The section `comm`: how ranks are connected and how gradients are sent between them.
#pragma once

#include <cstdint>

#include "charrnn/config/enum_names.h"

namespace charrnn {

enum class Backend { kAuto, kSolo, kMpi, kNccl };
constexpr auto names_of(Backend) {
  return enum_names("auto", "solo", "mpi", "nccl");
}

// The type in which gradients are sent between ranks; weights are always updated in fp32.
enum class GradientType { kFp32, kBf16, kFp16 };
constexpr auto names_of(GradientType) {
  return enum_names("fp32", "bf16", "fp16");
}

enum class GradientBuckets { kOne, kLayer };
constexpr auto names_of(GradientBuckets) {
  return enum_names("one", "layer");
}

struct CommSettings {
  Backend backend = Backend::kAuto;
  double timeout_seconds = 600;        // longest wait for the other ranks
  double start_timeout_seconds = 600;  // longest start of MPI and NCCL
  GradientType gradient_type = GradientType::kFp32;
  GradientBuckets gradient_buckets = GradientBuckets::kOne;
  int64_t check_replicas_every = 1000;  // steps between two comparisons of all weights; 0: never
  double straggler_factor = 1.5;        // times the median rank's step; a slower rank is reported; 0: never
};

}  // namespace charrnn
