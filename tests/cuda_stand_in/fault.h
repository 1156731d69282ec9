// What is to go wrong, from the environment variable CHARRNN_STAND_IN_FAULT: a name, then on which rank and
// when.
//
//   "async-error rank=1 operation=3; abort-hangs"
//
// Without a rank it happens on all. Operations are those of NCCL, counted from 1, which is the default.
//   hang           the GPU stops for good after the operation and the event that marks its end
//   never-ends     the operation does what it should and does not end; without a rank, on none
//   late           the operation begins after seconds=S
//   queue-hangs    the call that queues the operation does not return
//   async-error    the operation fails with ncclRemoteError
//   init-fails, init-hangs, finalize-hangs, abort-hangs
//   version        ncclGetVersion gives another one than that of the headers
#pragma once

#include <optional>
#include <string>

namespace charrnn::stand_in {

struct Fault {
  std::string name;
  int rank = -1;  // all
  int operation = 1;
  double seconds = 0;
};

// The fault of this name, if this process's rank has it.
std::optional<Fault> fault(const std::string& name);

// The same, for operation number `operation`.
std::optional<Fault> fault_at(const std::string& name, int operation);

}  // namespace charrnn::stand_in
