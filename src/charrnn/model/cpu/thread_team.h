// A parallel region of OpenMP threads. A thread's part of the work depends only on its number, so that the
// same data stays in the same core's cache from step to step.
#pragma once

#include <omp.h>

#include <cstdint>

namespace charrnn {

// The number of a thread of a region, and the number of threads.
struct ThreadTeam {
  int64_t thread;
  int64_t threads;

  // This thread's part of `count` items: [first(count), last(count)).
  int64_t first(int64_t count) const { return count * thread / threads; }
  int64_t last(int64_t count) const { return count * (thread + 1) / threads; }

  // Waits until all threads have called it. OpenMP's barrier spins for a moment and then sleeps.
  void wait() const {
#pragma omp barrier
  }
};

// Calls body(ThreadTeam) in each thread of a new region.
template <class Body>
void in_parallel(int threads, const Body& body) {
#pragma omp parallel num_threads(threads)
  body(ThreadTeam{omp_get_thread_num(), omp_get_num_threads()});
}

}  // namespace charrnn
