// Sets LibTorch up for this rank: its threads, its device, and numbers too small to matter flushed to zero.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>

#include "comm/launch.h"

namespace charrnn {

// Call it once, after Session::choose_backend and before the first tensor. `threads` is run.threads.
at::Device prepare_compute(const Session& session, std::optional<int64_t> threads);

}  // namespace charrnn
