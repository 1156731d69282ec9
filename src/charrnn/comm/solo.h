// A true group of one, without MPI: sums are what they are, rank 0 is everyone.
#pragma once

#include <memory>

#include "charrnn/comm/communicator.h"

namespace charrnn {

std::unique_ptr<Communicator> make_solo_communicator();

}  // namespace charrnn
