// Long work of one rank that other ranks wait for.
#pragma once

#include <functional>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Runs `work`, which must not call a Communicator, in another thread, while this thread sends heartbeats to
// the ranks that wait: for large files and slow programs. Rethrows what `work` throws.
void with_heartbeat(Communicator& comm, const std::function<void()>& work);

}  // namespace charrnn
