#include "generate/sampler.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/counter_random.h"
#include "core/error.h"

namespace charrnn {
namespace {

// (1, T) of int64
at::Tensor as_tensor(const std::vector<uint32_t>& ids) {
  at::Tensor tensor = at::empty({1, static_cast<int64_t>(ids.size())}, at::TensorOptions().dtype(at::kLong));
  std::copy(ids.begin(), ids.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor;
}

}  // namespace

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
  // Rounding: the last that has any weight.
  for (size_t i = ids.size(); i > 1; --i) {
    if (weights[i - 1] > 0) return ids[i - 1];
  }
  return ids[0];
}

std::string temperature_text(double temperature) {
  return temperature == 0 ? "greedy" : concat("temperature ", temperature);
}

void check_prefixes(const SampleSettings& settings, const Vocabulary& vocabulary) {
  for (const std::string& prefix : settings.prefixes) {
    try {
      vocabulary.encode(prefix, settings.unknown_characters);
    } catch (const Error& problem) {
      fail_usage("sample.prefixes has \"", prefix,
                 "\", which this corpus cannot begin with: ", problem.what());
    }
  }
}

bool Sampler::go_on(std::string_view prefix, int64_t length, const SampleOptions& options,
                    const std::function<bool(const std::string&)>& sink) const {
  const c10::AutoGradMode no_grad(false);
  std::vector<uint32_t> ids = vocabulary_.encode(prefix, options.unknown);
  if (has_targets_) return answer(ids, options, sink);
  if (ids.empty()) ids.push_back(vocabulary_.find(U'\n').value_or(vocabulary_.has_unknown() ? 1 : 0));
  at::Tensor input = as_tensor(ids);
  RnnState state = model_.zero_state(1);
  for (int64_t place = 0; place < length; ++place) {
    const at::Tensor logits = model_.forward(input.to(model_.device()), state, std::nullopt);
    const uint32_t id = draw(logits, -1, place, options);
    if (!sink(vocabulary_.decode(id))) return false;
    input = as_tensor({id});
  }
  return true;
}

bool Sampler::answer(const std::vector<uint32_t>& ids, const SampleOptions& options,
                     const std::function<bool(const std::string&)>& sink) const {
  if (ids.empty()) return true;
  RnnState state = model_.zero_state(1);
  const at::Tensor logits = model_.forward(as_tensor(ids).to(model_.device()), state, std::nullopt);
  for (int64_t t = 0; t < logits.size(1); ++t) {
    if (!sink(vocabulary_.decode(draw(logits, t, t, options)))) return false;
  }
  return true;
}

uint32_t Sampler::draw(const at::Tensor& logits, int64_t t, int64_t place,
                       const SampleOptions& options) const {
  at::Tensor row = logits.select(1, t).to(at::kCPU, at::kFloat).contiguous().clone();  // (1, V)
  const std::span<float> values(row.mutable_data_ptr<float>(), static_cast<size_t>(row.numel()));
  if (vocabulary_.has_unknown()) values[0] = -std::numeric_limits<float>::infinity();
  return pick(values, options,
              unit_interval(random_bits(options.seed, Draw::kSample, {static_cast<uint64_t>(place)})));
}

std::string Sampler::text(std::string_view prefix, int64_t length, const SampleOptions& options) const {
  std::string text;
  go_on(prefix, length, options, [&](const std::string& character) {
    text += character;
    return true;
  });
  return text;
}

}  // namespace charrnn
