// Explains a slow start of MPI or NCCL.
#pragma once

#include <string>

namespace charrnn {

// "the start of MPI is taking long (5 s so far). ...". Looks up the name of this host first, which blocks for
// as long as MPI's own lookup.
std::string slow_start_text(const std::string& operation, double seconds);

}  // namespace charrnn
