// The main of a rank test: GoogleTest under a Session whose number of ranks must be the one in --ranks=N,
// because an MPI program that is started alone is a group of one and would pass. With --backend=nccl the
// ranks must have GPUs, or the stand-in (tests/cuda_stand_in); else they work on the CPU. A rank that leaves
// a test early lets the others wait: the deadline is short.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "comm/launch.h"

namespace charrnn {

inline Communicator* rank_test_comm = nullptr;

// The group that the tests run in.
inline Communicator& group() {
  return *rank_test_comm;
}

inline int run_rank_tests(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::string ranks = argc > 1 ? argv[1] : "";
  const std::string backend = argc > 2 ? argv[2] : "";
  const int expected = ranks.starts_with("--ranks=") ? std::atoi(ranks.c_str() + 8) : 0;
  const bool on_gpus = backend == "--backend=nccl";
  return run_ranks([&](Session& session) {
    if (session.comm().size() != expected || argc > 3 || (!backend.empty() && !on_gpus)) {
      fail_usage("expected --ranks=N with the number of ranks, ", session.comm().size(),
                 ", and perhaps --backend=nccl; found '", ranks, "' '", backend, "'");
    }
    CommSettings settings;
    settings.timeout_seconds = 60;
    rank_test_comm = &session.choose_backend(settings, on_gpus ? DeviceName::kCuda : DeviceName::kCpu, "");
    if (on_gpus && rank_test_comm->backend() != "nccl") {
      fail_usage("expected the backend nccl, found ", rank_test_comm->backend());
    }
    return RUN_ALL_TESTS() == 0 ? ExitCode::kFinished : ExitCode::kError;
  });
}

}  // namespace charrnn
