// What MPI and NCCL may be waiting for when they start slowly.
#pragma once

#include <string>

namespace charrnn {

// "the start of MPI takes long (5 s so far): ...". Looks up the name of this host first, which blocks as long
// as MPI's own lookup of it does.
std::string slow_start_text(const std::string& operation, double seconds);

}  // namespace charrnn
