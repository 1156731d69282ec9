// A parallel region of OpenMP threads, and which part of some work belongs to a thread: by its number alone,
// so that the same data stays in the same core's cache from step to step.
#pragma once

#include <omp.h>

#include <cstdint>

namespace charrnn {

// One thread of a region, and how many there are.
struct ThreadTeam {
  int64_t thread;
  int64_t threads;

  // Of `count` things in a row, those from first() up to last() are this thread's.
  int64_t first(int64_t count) const { return count * thread / threads; }
  int64_t last(int64_t count) const { return count * (thread + 1) / threads; }

  // Until all threads have called it. OpenMP's barrier spins for a moment and then sleeps.
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
