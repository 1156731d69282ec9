// Who is missing when a wait for other ranks has lasted too long. Past half of comm.timeout_seconds the ranks
// that wait tell each other what they wait in; who says nothing is the one that all wait for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "charrnn/comm/operation_log.h"

namespace charrnn {

// What one rank told during this wait.
struct RankAnswer {
  bool heard = false;       // it waits, so it is alive and can be reached
  int64_t sequence = 0;     // the operation it waits in
  std::string operation;    // its name
  bool device_came = true;  // its GPU has reached the operation; always true on the CPU
  std::string host;
};

// The longest wait for other ranks, and the setting that it comes from.
struct WaitLimit {
  WaitLimit(double limit, const char* name = "comm.timeout_seconds") : seconds(limit), setting(name) {}
  double seconds;
  const char* setting;
};

// "rank 2 (host h3) did not come to all_reduce_sum of 4000 bytes (operation 45, step 31) within 600 s: ...".
// ANSWERS has an entry for each rank; this rank's own says that it was heard.
std::string loss_message(const Operation& operation, const WaitLimit& limit,
                         const std::vector<RankAnswer>& answers);

// The one that speaks for all: of the ranks that are heard the lowest in the earliest operation, which as a
// rule gives up first.
int speaker(const std::vector<RankAnswer>& answers);

}  // namespace charrnn
