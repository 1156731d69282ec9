// Ranks that are MPI processes; host memory. Every wait polls under one deadline, so MPI itself may hang and
// we not. mpi.h stays behind this header.
#pragma once

#include <memory>

#include "charrnn/comm/communicator.h"
#include "charrnn/comm/watchdog.h"

namespace charrnn {

// Starts MPI (MPI_THREAD_FUNNELED: call everything from this thread) and tells WATCHDOG, which must outlive
// it, rank and size; the destructor leaves MPI, which waits for the other ranks. Throws Error where MPI does
// not start.
std::unique_ptr<Communicator> make_mpi_communicator(Watchdog& watchdog);

// "Open MPI v4.1.4"
std::string mpi_library();

}  // namespace charrnn
