#include "charrnn/core/ordered_pipeline.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

#include "../error_of.h"

namespace charrnn {
namespace {

struct Item {
  int number = -1;
  int worked = 0;
  int placed = 0;
};

class OrderedPipeline : public testing::TestWithParam<int> {};

TEST_P(OrderedPipeline, PlacesInTheOrderOfReadingAndFinishesAll) {
  constexpr int kItems = 2000;  // many times the number in flight
  int next = 0;
  std::vector<int> placed;
  std::atomic<int> finished = 0;
  std::atomic<int64_t> sum = 0;
  run_ordered_pipeline<Item>(
      GetParam(),
      [&](Item& item) {
        if (next == kItems) return false;
        item = {.number = next++};
        return true;
      },
      [&](Item& item) {
        // Some take longer, so that later items overtake them.
        if (item.number % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
        ++item.worked;
      },
      [&](Item& item) {
        EXPECT_EQ(item.worked, 1);
        ++item.placed;
        placed.push_back(item.number);
      },
      [&](Item& item) {
        EXPECT_EQ(item.placed, 1);
        ++finished;
        sum += item.number;
      });
  std::vector<int> all(kItems);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(placed, all);
  EXPECT_EQ(finished, kItems);
  EXPECT_EQ(sum, int64_t{kItems} * (kItems - 1) / 2);
}

TEST_P(OrderedPipeline, KeepsFewInFlight) {
  std::atomic<int> in_flight = 0;
  int most = 0;
  int next = 0;
  run_ordered_pipeline<Item>(
      GetParam(),
      [&](Item&) {
        most = std::max(most, ++in_flight);
        return next++ < 500;
      },
      [](Item&) {}, [](Item&) {},
      [&](Item&) {
        std::this_thread::sleep_for(std::chrono::microseconds(50));
        --in_flight;
      });
  EXPECT_LE(most, 4 * GetParam() + 4);
}

TEST_P(OrderedPipeline, OfNothingDoesNothing) {
  const auto never = [](Item&) { ADD_FAILURE(); };
  run_ordered_pipeline<Item>(
      GetParam(), [](Item&) { return false; }, never, never, never);
}

TEST_P(OrderedPipeline, AnExceptionOfAnyStepComesOut) {
  for (int step = 0; step < 4; ++step) {
    int next = 0;
    std::atomic<int> finished = 0;
    const auto fail_in = [&](int this_step, const Item& item) {
      if (step == this_step && item.number == 100) fail_usage("step ", step);
    };
    const auto run = [&] {
      run_ordered_pipeline<Item>(
          GetParam(),
          [&](Item& item) {
            item.number = next++;
            fail_in(0, item);
            return next < 100000;
          },
          [&](Item& item) { fail_in(1, item); }, [&](Item& item) { fail_in(2, item); },
          [&](Item& item) {
            fail_in(3, item);
            ++finished;
          });
    };
    EXPECT_EQ(usage_error_of(run), "step " + std::to_string(step));
    EXPECT_LT(next, 1000) << "continued after step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, OrderedPipeline, testing::Values(1, 4));

}  // namespace
}  // namespace charrnn
