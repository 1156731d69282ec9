// Assigns blocks of columns and lanes of a time step to threads. Each thread has adjacent blocks; if some
// threads would have much less work than others, several threads share a block, each with some of the lanes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "charrnn/model/cpu/recurrent_kernels.h"
#include "charrnn/model/cpu/thread_team.h"

namespace charrnn {

class WorkShares {
 public:
  WorkShares(int64_t blocks, int64_t lanes, int64_t threads)
      : blocks_(blocks), lanes_(lanes), threads_(threads) {
    constexpr int64_t fewest_lanes = 4;
    constexpr double enough = 1.1;
    for (int64_t groups = 2; groups <= lanes / fewest_lanes && waste(groups_) > enough; ++groups) {
      if (waste(groups) < waste(groups_)) groups_ = groups;
    }
  }

  // Calls body(StepShare) for each piece of a thread.
  template <class Body>
  void visit(int64_t thread, const Body& body) const {
    const ThreadTeam team{thread, threads_};
    const int64_t end = team.last(blocks_ * groups_);
    for (int64_t piece = team.first(blocks_ * groups_); piece < end;) {
      const ThreadTeam group{piece / blocks_, groups_};
      const int64_t first_block = piece % blocks_;
      const int64_t last_block = std::min(blocks_, first_block + end - piece);
      body(StepShare{first_block, last_block, group.first(lanes_), group.last(lanes_)});
      piece += last_block - first_block;
    }
  }

 private:
  // The work of the busiest thread, divided by the average.
  double waste(int64_t groups) const {
    const int64_t most = (blocks_ * groups + threads_ - 1) / threads_;
    return static_cast<double>(most * threads_) / static_cast<double>(blocks_ * groups);
  }

  int64_t blocks_;
  int64_t lanes_;
  int64_t threads_;
  int64_t groups_ = 1;
};

}  // namespace charrnn
