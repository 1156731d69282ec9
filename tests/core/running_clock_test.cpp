#include "charrnn/core/running_clock.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace charrnn {
namespace {

using namespace std::chrono_literals;

// Reads the clock at these milliseconds after the first reading; returns the last reading.
std::chrono::milliseconds running_after(const std::vector<int>& looks, bool is_watched) {
  RunningClock clock;
  std::optional<RunningClock::Watched> watched;
  if (is_watched) watched.emplace(clock);
  const Clock::time_point begin = Clock::now();
  const RunningClock::Time before = clock.at(begin);
  RunningClock::Time last{};
  for (const int look : looks) last = clock.at(begin + std::chrono::milliseconds(look));
  return std::chrono::round<std::chrono::milliseconds>(last - before);
}

TEST(RunningClock, CountsAllTimeWhileNobodyLooks) {
  EXPECT_EQ(running_after({200, 400, 5000}, false), 5000ms);
}

TEST(RunningClock, AStopCountsLittle) {
  EXPECT_EQ(running_after({200, 400, 600}, true), 600ms);
  // Stopped from 400 to 5400: of the gap of 5000 ms, 500 ms count.
  EXPECT_EQ(running_after({200, 400, 5400, 5600}, true), 400ms + 500ms + 200ms);
  EXPECT_EQ(running_after({499, 998}, true), 998ms) << "a thread that runs late is not a stop";
}

TEST(RunningClock, NeverGoesBack) {
  RunningClock clock;
  const RunningClock::Watched looks(clock);
  const Clock::time_point begin = Clock::now();
  const RunningClock::Time first = clock.at(begin + 100ms);
  EXPECT_EQ(clock.at(begin + 50ms), first) << "from a thread that read the clock earlier but reports later";
  EXPECT_EQ(clock.at(begin + 130ms) - first, 30ms);
}

TEST(RunningClock, ThreadsMayLookAtOnce) {
  RunningClock clock;
  const RunningClock::Watched looks(clock);
  const auto look = [&] {
    RunningClock::Time last{};
    for (int i = 0; i < 10000; ++i) {
      const RunningClock::Time now = clock.now();
      EXPECT_GE(now, last);
      last = now;
    }
  };
  std::thread other(look);
  look();
  other.join();
}

}  // namespace
}  // namespace charrnn
