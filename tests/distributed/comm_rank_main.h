// The main of a rank test: GoogleTest under a Session whose number of ranks must be the one in --ranks=N,
// because an MPI program that is started alone is a group of one and would pass. With --gpus the ranks must
// have GPUs or the stand-in (tests/cuda_stand_in); otherwise they use the CPU. The deadline is short, because
// the others wait if a rank leaves a test early.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "charrnn/comm/session.h"

namespace charrnn {

inline Communicator* rank_test_comm = nullptr;
inline bool rank_test_on_gpus = false;

// The group that the tests run in.
inline Communicator& group() {
  return *rank_test_comm;
}

inline bool on_gpus() {
  return rank_test_on_gpus;
}

inline int run_rank_tests(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::string ranks = argc > 1 ? argv[1] : "";
  const std::string gpus = argc > 2 ? argv[2] : "";
  const int expected = ranks.starts_with("--ranks=") ? std::atoi(ranks.c_str() + 8) : 0;
  rank_test_on_gpus = gpus == "--gpus";
  return run_ranks([&](Session& session) {
    if (session.comm().size() != expected || argc > 3 || (!gpus.empty() && !on_gpus())) {
      fail_usage("expected --ranks=N with the number of ranks, ", session.comm().size(),
                 ", and perhaps --gpus; found '", ranks, "' '", gpus, "'");
    }
    CommSettings settings;
    settings.timeout_seconds = 60;
    rank_test_comm = &session.connect(settings, on_gpus() ? DeviceName::kCuda : DeviceName::kCpu, "");
    if (on_gpus() && expected > 1 && rank_test_comm->backend() != "nccl") {
      fail_usage("expected the backend nccl, found ", rank_test_comm->backend());
    }
    return RUN_ALL_TESTS() == 0 ? ExitCode::kFinished : ExitCode::kError;
  });
}

}  // namespace charrnn
