// The launcher of this process (mpirun, srun, launch/run): the environment variables that it sets, and the
// file that a run writes for launch/run and batch scripts.
#pragma once

#include <functional>
#include <string>

namespace charrnn {

// Whether mpirun, or srun with PMIx, started this process: then it must start MPI.
bool started_by_mpi();
bool started_by_mpirun();

// Whether this is the first rank of its host, or of the whole job; known before MPI starts.
bool is_first_of_host();
bool is_first_of_job();

// Throws Error (kInput) if a launcher started several processes, but `size`, the size of the group, is one:
// each would train alone. `mpi_library` returns the MPI that charrnn uses, for the message.
void refuse_lone_ranks(int size, const std::function<std::string()>& mpi_library);

// Writes `text` to the file whose path is CHARRNN_LAUNCH_FILE (an environment variable) followed by `ending`,
// if the variable is set. Warns if the file cannot be written.
void write_launch_file(const std::string& text, const char* ending);

}  // namespace charrnn
