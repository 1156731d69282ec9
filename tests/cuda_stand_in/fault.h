// The fault to produce, from the environment variable CHARRNN_STAND_IN_FAULT: its name, then the rank and the
// operation.
//
//   "async-error rank=1 operation=3; abort-hangs"
//
// Without a rank it happens on all ranks. Operations are NCCL's, counted from 1, the default.
//   hang           the GPU stops forever after the operation and the event that marks its end
//   never-ends     the operation does its work but does not end; without a rank, on no rank
//   late           the operation begins after seconds=S
//   queue-hangs    the call that queues the operation does not return
//   async-error    the operation fails with ncclRemoteError
//   init-fails, init-hangs, finalize-hangs, abort-hangs
//   version        ncclGetVersion returns another version than that of the headers
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

// The fault with this name, if it is for this process's rank.
std::optional<Fault> fault(const std::string& name);

// The same, if it is also for operation number `operation`.
std::optional<Fault> fault_at(const std::string& name, int operation);

}  // namespace charrnn::stand_in
