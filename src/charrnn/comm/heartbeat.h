// Long work of one rank that other ranks wait for.
#pragma once

#include <functional>

#include "charrnn/comm/communicator.h"

namespace charrnn {

// Runs `work`, which calls no Communicator, in another thread, while this one sends heartbeats to the ranks
// that wait for it: for long files and slow programs. What `work` throws is thrown here.
void with_heartbeat(Communicator& comm, const std::function<void()>& work);

}  // namespace charrnn
