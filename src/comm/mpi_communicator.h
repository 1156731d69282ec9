// Ranks that are MPI processes; host memory. Every wait polls under one deadline, so MPI itself may hang and
// we not. mpi.h stays behind this header.
#pragma once

#include <memory>

#include "comm/communicator.h"
#include "comm/wait_limit.h"

namespace charrnn {

// Starts MPI (MPI_THREAD_FUNNELED: call everything from this thread) and fills in LIMIT's rank and size; the
// destructor leaves MPI, which waits for the other ranks. LIMIT must outlive it, and may change between
// calls. Throws Error where MPI does not start.
std::unique_ptr<Communicator> make_mpi_communicator(WaitLimit& limit);

}  // namespace charrnn
