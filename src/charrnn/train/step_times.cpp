#include "charrnn/train/step_times.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace charrnn {
namespace {

constexpr double kTooShortToMatter = 5e-3;  // seconds

size_t place_of_longest(const std::vector<double>& seconds) {
  return static_cast<size_t>(std::max_element(seconds.begin(), seconds.end()) - seconds.begin());
}

}  // namespace

StepTimes::StepTimes(int ranks) : since_line_(static_cast<size_t>(ranks)), in_window_(since_line_.size()) {}

void StepTimes::add(std::span<const double> seconds) {
  for (size_t rank = 0; rank < seconds.size(); ++rank) {
    since_line_[rank] += seconds[rank];
    in_window_[rank] += seconds[rank];
  }
  ++steps_since_line_;
  ++steps_in_window_;
}

StepTimes::Spread StepTimes::take_spread() {
  const auto steps = static_cast<double>(std::max<int64_t>(1, steps_since_line_));
  const size_t slowest = place_of_longest(since_line_);
  const double sum = std::accumulate(since_line_.begin(), since_line_.end(), 0.0);
  const Spread spread{sum / steps / static_cast<double>(since_line_.size()), since_line_[slowest] / steps,
                      static_cast<int>(slowest)};
  std::fill(since_line_.begin(), since_line_.end(), 0.0);
  steps_since_line_ = 0;
  return spread;
}

std::optional<StepTimes::Straggler> StepTimes::find_straggler(double factor) {
  if (steps_in_window_ < kWindow) return std::nullopt;
  std::vector<double> means = std::exchange(in_window_, std::vector<double>(in_window_.size()));
  for (double& mean : means) mean /= static_cast<double>(steps_in_window_);
  steps_in_window_ = 0;
  const auto slowest = static_cast<int>(place_of_longest(means));
  const double seconds = means[static_cast<size_t>(slowest)];
  const auto middle = means.begin() + static_cast<std::ptrdiff_t>((means.size() - 1) / 2);
  std::nth_element(means.begin(), middle, means.end());
  const bool is_slow = factor > 0 && seconds > factor * *middle && seconds - *middle > kTooShortToMatter;
  const std::optional<int> named_before =
      std::exchange(named_, is_slow ? std::optional(slowest) : std::nullopt);
  if (!is_slow || named_before == slowest) return std::nullopt;
  return Straggler{slowest, seconds, *middle};
}

}  // namespace charrnn
