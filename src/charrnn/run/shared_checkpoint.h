// Reads a checkpoint in a run with several ranks.
#pragma once

#include <functional>
#include <optional>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/comm/communicator.h"

namespace charrnn {

// Rank 0 picks and checks the file; the others receive everything except the tensors. Every rank calls it.
std::optional<Checkpoint> share_checkpoint(Communicator& comm,
                                           const std::function<std::optional<Checkpoint>()>& pick);

}  // namespace charrnn
