// What MPI and NCCL may be waiting for when they start slowly, and which rank prints it.
#pragma once

#include <string>

namespace charrnn {

// The first rank of its host, or of the whole job, by the launcher's variables: it is asked before MPI has
// started.
bool speaks_for_host();
bool speaks_for_job();

// "the start of MPI takes long (5 s so far): ...". Looks up the name of this host first, which blocks as long
// as MPI's own lookup of it does.
std::string slow_start_text(const std::string& operation, double seconds);

}  // namespace charrnn
