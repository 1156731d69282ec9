#include "charrnn/generate/pick.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "charrnn/core/error.h"

namespace charrnn {

uint32_t pick(std::span<const float> logits, const SampleOptions& options, double uniform) {
  std::vector<uint32_t> ids;
  for (uint32_t id = 0; id < logits.size(); ++id) {
    if (std::isfinite(logits[id])) ids.push_back(id);
  }
  if (ids.empty()) return 0;
  const auto likelier = [&](uint32_t a, uint32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  if (options.temperature == 0.0) return *std::min_element(ids.begin(), ids.end(), likelier);
  if (options.top_k > 0 || options.top_p < 1.0) std::sort(ids.begin(), ids.end(), likelier);
  if (options.top_k > 0 && options.top_k < static_cast<int64_t>(ids.size())) {
    ids.resize(static_cast<size_t>(options.top_k));
  }
  float largest = -std::numeric_limits<float>::infinity();
  for (const uint32_t id : ids) largest = std::max(largest, logits[id]);
  std::vector<double> weights(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    weights[i] =
        std::exp((static_cast<double>(logits[ids[i]]) - static_cast<double>(largest)) / options.temperature);
  }
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (options.top_p < 1.0) {
    double held = 0;
    size_t kept = 0;
    while (kept < ids.size() && (kept == 0 || held < options.top_p * total)) held += weights[kept++];
    ids.resize(kept);
    total = held;
  }
  double place = uniform * total;
  for (size_t i = 0; i < ids.size(); ++i) {
    place -= weights[i];
    if (place < 0) return ids[i];
  }
  // If rounding left `place` at 0 or above: the last id with a weight above 0.
  for (size_t i = ids.size(); i > 1; --i) {
    if (weights[i - 1] > 0) return ids[i - 1];
  }
  return ids[0];
}

std::string temperature_text(double temperature) {
  return temperature == 0 ? "greedy" : concat("temperature ", temperature);
}

}  // namespace charrnn
