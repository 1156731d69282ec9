// When preloaded, makes the start of MPI take CHARRNN_TEST_START_SECONDS longer, as a failing lookup of a
// host name does.
#include <mpi.h>

#include <chrono>
#include <cstdlib>
#include <thread>

extern "C" int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  const char* const seconds = std::getenv("CHARRNN_TEST_START_SECONDS");
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds != nullptr ? std::atof(seconds) : 0));
  return PMPI_Init_thread(argc, argv, required, provided);
}
