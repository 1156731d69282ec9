// The message when a wait for other ranks has lasted too long: which rank is missing, and why. After half of
// comm.timeout_seconds, waiting ranks send each other their status; a rank that sends none is missing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "charrnn/comm/operation_log.h"

namespace charrnn {

// What is known about a rank during a wait.
struct RankStatus {
  bool has_answered = false;   // it waits, so it is alive and can be reached
  int64_t sequence = 0;        // the operation it waits in
  std::string operation;       // its name
  bool device_arrived = true;  // its GPU has reached the operation; always true on the CPU
  std::string host;
};

// The longest wait for other ranks, and the setting that it comes from.
struct WaitLimit {
  WaitLimit(double limit, const char* name = "comm.timeout_seconds") : seconds(limit), setting(name) {}
  double seconds;
  const char* setting;
};

// "rank 2 (host h3) did not reach all_reduce_sum of 4000 bytes (operation 45, step 31) within 600 s: ...".
// `ranks` has an entry for each rank; in this rank's own, `has_answered` is true.
std::string timeout_message(const Operation& operation, const WaitLimit& limit,
                            const std::vector<RankStatus>& ranks);

// The rank that prints the message for all ranks: the lowest of those that wait in the earliest operation,
// because it usually reaches the limit first.
int reporting_rank(const std::vector<RankStatus>& ranks);

}  // namespace charrnn
