// The main of a rank test: GoogleTest under a Session whose number of ranks must be the one in --ranks=N,
// because an MPI program that is started alone is a group of one and would pass. A rank that leaves a test
// early lets the others wait: the deadline is short.
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
  const std::string option = argc == 2 ? argv[1] : "";
  const int expected = option.starts_with("--ranks=") ? std::atoi(option.c_str() + 8) : 0;
  return run_ranks([&](Session& session) {
    if (session.comm().size() != expected) {
      fail_usage("expected --ranks=N with the number of ranks, ", session.comm().size(), "; found '", option,
                 "'");
    }
    CommSettings settings;
    settings.timeout_seconds = 60;
    rank_test_comm = &session.choose_backend(settings, DeviceName::kCpu, "");
    return RUN_ALL_TESTS() == 0 ? ExitCode::kFinished : ExitCode::kError;
  });
}

}  // namespace charrnn
