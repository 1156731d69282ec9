// Time during which this process could run. A job may be suspended as a whole (Ctrl-Z, Slurm's suspend, a
// paused virtual machine) and continued hours later: that time must not make a rank look lost or slow. A
// suspended process does not read the clock, so a gap between two readings counts as at most kLongestGap.
// This requires a thread that reads the clock all the time: the watchdog's does. Without a Watched all time
// counts.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

#include "charrnn/core/clock.h"

namespace charrnn {

class RunningClock {
 public:
  using Time = Clock::duration;  // since an arbitrary start
  // On an overloaded machine a sleeping thread wakes late, but rarely by this much; then the uncounted time
  // delays the end of a wait a little.
  static constexpr std::chrono::milliseconds kLongestGap{500};

  // Everything is inline, because the NCCL module, which is not linked with charrnn, calls it through
  // OperationLog. May be called from any thread.
  Time now() { return at(Clock::now()); }
  double seconds_since(Time start) { return std::chrono::duration<double>(now() - start).count(); }

  Time at(Clock::time_point real) {
    const std::lock_guard lock(mutex_);
    if (real > last_reading_) {
      const Clock::duration gap = real - last_reading_;
      time_ += watchers_ > 0 ? std::min<Clock::duration>(gap, kLongestGap) : gap;
      last_reading_ = real;
    }
    return time_;
  }

  // Exists while a thread reads the clock much more often than every kLongestGap.
  class Watched {
   public:
    explicit Watched(RunningClock& clock) : clock_(clock) { clock_.add_watchers(1); }
    ~Watched() { clock_.add_watchers(-1); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

   private:
    RunningClock& clock_;
  };

 private:
  void add_watchers(int count) {
    now();
    const std::lock_guard lock(mutex_);
    watchers_ += count;
  }

  std::mutex mutex_;
  Clock::time_point last_reading_ = Clock::now();
  Time time_{};
  int watchers_ = 0;
};

// The clock of this process.
RunningClock& running_clock();

}  // namespace charrnn
