// Checks that all ranks have equal weights, which detects faulty memory, processors and drivers.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Throws AgreedError if tensors are not bit for bit the same on all ranks; the message lists the ranks that
// differ from the majority. Every rank calls it; `step` is for the message.
void check_replicas(Communicator& comm, const std::vector<at::Tensor>& tensors, int64_t step);

}  // namespace charrnn
