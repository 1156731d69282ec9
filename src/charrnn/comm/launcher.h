// What the launcher of this process (mpirun, srun, launch/run) has set in its environment, and the file in
// which launch/run and batch scripts look for what a run reports.
#pragma once

#include <functional>
#include <string>

namespace charrnn {

// mpirun, or srun with PMIx: MPI is to be started.
bool started_by_mpi();
bool started_by_mpirun();

// The first rank of its host, or of the whole job. Known before MPI has started.
bool is_first_of_host();
bool is_first_of_job();

// Throws Error (usage) if a launcher started several processes, but this one found a group of `size` one:
// each would train by itself. `mpi_library` gives the MPI that charrnn uses, for the message.
void refuse_lone_ranks(int size, const std::function<std::string()>& mpi_library);

// Writes `text` into the file in the environment variable CHARRNN_LAUNCH_FILE with `ending` appended, if the
// variable is set. A file that cannot be written is a warning.
void write_launch_file(const std::string& text, const char* ending);

}  // namespace charrnn
