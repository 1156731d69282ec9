// Time in which this process could run. A job may be stopped as a whole (Ctrl-Z, Slurm's suspend, a virtual
// machine that is paused) and continued hours later: that time must not make a rank look lost, or slow.
// A stopped process looks at no clock, so a gap between two looks counts up to kLongestGap only. Somebody has
// to look all the time then: the watchdog's thread does. While nobody promises to, all time counts.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

#include "charrnn/core/clock.h"

namespace charrnn {

class RunningClock {
 public:
  using Time = Clock::duration;  // since some beginning
  // On a machine with more work than cores a thread that sleeps is late, but seldom by this much; what is
  // then not counted delays the end of a wait a little.
  static constexpr std::chrono::milliseconds kLongestGap{500};

  // All inline: the NCCL module, which is not linked with charrnn, calls it through OperationLog. Safe in any
  // thread.
  Time now() { return at(Clock::now()); }
  double seconds_since(Time start) { return std::chrono::duration<double>(now() - start).count(); }

  Time at(Clock::time_point real) {
    const std::lock_guard lock(mutex_);
    if (real > last_look_) {
      const Clock::duration gap = real - last_look_;
      time_ += watchers_ > 0 ? std::min<Clock::duration>(gap, kLongestGap) : gap;
      last_look_ = real;
    }
    return time_;
  }

  // As long as one lives, somebody looks at the clock much more often than each kLongestGap.
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
  Clock::time_point last_look_ = Clock::now();
  Time time_{};
  int watchers_ = 0;
};

// That of this process.
RunningClock& running_clock();

}  // namespace charrnn
