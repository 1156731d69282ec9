// A group of one, without MPI: a sum over the ranks is rank 0's own value.
#pragma once

#include <memory>

#include "charrnn/comm/communicator.h"

namespace charrnn {

std::unique_ptr<Communicator> make_solo_communicator();

}  // namespace charrnn
