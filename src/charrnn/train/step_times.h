// The time of each rank's own work in a step, without waiting for others: the slowest rank sets the speed of
// all.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace charrnn {

class StepTimes {
 public:
  static constexpr int64_t kWindow = 50;  // steps over which a straggler is determined

  explicit StepTimes(int ranks);

  // Adds the seconds of each rank in one step.
  void add(std::span<const double> seconds);

  // Means over the steps since the last call: over all ranks, and of the slowest rank.
  struct Spread {
    double mean = 0;
    double longest = 0;
    int slowest_rank = 0;
  };
  Spread take_spread();

  struct Straggler {
    int rank = 0;
    double seconds = 0;
    double median = 0;
  };
  // Once after each window: the slowest rank, if it took more than `factor` times the (lower) median and was
  // not reported after the previous window. `factor` 0: never.
  std::optional<Straggler> find_straggler(double factor);

 private:
  std::vector<double> since_line_;
  int64_t steps_since_line_ = 0;
  std::vector<double> in_window_;
  int64_t steps_in_window_ = 0;
  std::optional<int> named_;
};

}  // namespace charrnn
