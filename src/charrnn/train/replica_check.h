// Whether all ranks have equal weights: a faulty memory, processor or driver shows here.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Throws AgreedError that names the ranks whose tensors differ, bit for bit, from those that most have. Every
// rank calls it; `step` is for the message.
void check_replicas(Communicator& comm, const std::vector<at::Tensor>& tensors, int64_t step);

}  // namespace charrnn
