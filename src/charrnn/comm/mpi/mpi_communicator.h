// Ranks that are MPI processes; host memory. Every wait polls and has a time limit, so it ends even if MPI
// hangs. This header does not include mpi.h.
#pragma once

#include <memory>

#include "charrnn/comm/communicator.h"
#include "charrnn/comm/watchdog.h"

namespace charrnn {

// Starts MPI (MPI_THREAD_SERIALIZED: any thread may make a call, one at a time) and sets the rank and size of
// `watchdog`, which must outlive the communicator. Its destructor finalizes MPI, which waits for the other
// ranks. Throws Error if MPI does not start.
std::unique_ptr<Communicator> make_mpi_communicator(Watchdog& watchdog);

// "Open MPI v4.1.4"
std::string mpi_library();

}  // namespace charrnn
