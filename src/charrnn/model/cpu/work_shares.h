// How the threads of a parallel region share work, by their number alone: what is where in which core's cache
// stays the same from step to step.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "charrnn/model/cpu/recurrent_kernels.h"

namespace charrnn {

// One thread of a region, seen from inside.
struct Team {
  int64_t thread;
  int64_t threads;

  // Of `count` things in a row, those from first() up to last() are this thread's.
  int64_t first(int64_t count) const { return count * thread / threads; }
  int64_t last(int64_t count) const { return count * (thread + 1) / threads; }

  // Until all have come here. OpenMP's barrier spins for a moment and then sleeps.
  void wait() const {
#pragma omp barrier
  }
};

// The thread sanitizer does not see OpenMP's waits and would report every one of them: alone there.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kMayShareWork = false;
#else
inline constexpr bool kMayShareWork = true;
#endif

// Calls body(Team) in each thread of a new region.
template <class Body>
void in_parallel(int threads, const Body& body) {
#pragma omp parallel num_threads(kMayShareWork ? threads : 1)
  body(Team{omp_get_thread_num(), omp_get_num_threads()});
}

// Blocks of columns go to threads in a row. Where that leaves some with clearly less than others, several
// threads share a block, each with a part of the lanes.
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
    const Team team{thread, threads_};
    const int64_t end = team.last(blocks_ * groups_);
    for (int64_t piece = team.first(blocks_ * groups_); piece < end;) {
      const Team group{piece / blocks_, groups_};
      const int64_t first_block = piece % blocks_;
      const int64_t last_block = std::min(blocks_, first_block + end - piece);
      body(StepShare{first_block, last_block, group.first(lanes_), group.last(lanes_)});
      piece += last_block - first_block;
    }
  }

 private:
  // What the busiest thread does, over the average.
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
