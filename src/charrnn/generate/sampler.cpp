#include "charrnn/generate/sampler.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "charrnn/core/counter_random.h"
#include "charrnn/model/sequence.h"

namespace charrnn {
namespace {

// Reads ids from `state` on, and calls visit(logits) with those of each piece (1, T, V). Returns whether all
// were read.
bool read(const CharRnn& model, std::span<const uint32_t> ids, RnnState& state,
          const Sampler::Progress& progress, StopToken stop,
          const std::function<bool(const at::Tensor&)>& visit) {
  int64_t done = 0;
  const auto total = static_cast<int64_t>(ids.size());
  const auto visit_piece = [&](const at::Tensor& logits) {
    if (!visit(logits)) return false;
    done += logits.size(1);
    if (logits.size(1) < total) progress(done, total);
    return true;
  };
  return read_sequence(model, ids, state, visit_piece, stop);
}

// On the CPU, sharing no memory with `logits`.
at::Tensor as_floats(const at::Tensor& logits) {
  return logits.to(at::kCPU, at::kFloat).contiguous().clone();
}

std::span<float> row(const at::Tensor& logits, size_t place) {
  const auto V = static_cast<size_t>(logits.size(-1));
  return {logits.mutable_data_ptr<float>() + place * V, V};
}

// The model, or a copy of it if it is on a GPU, for which one character at a time is too little work.
const CharRnn& on_cpu(const CharRnn& model, std::optional<CharRnn>& copy) {
  if (model.device() == at::kCPU) return model;
  const c10::AutoGradMode no_grad(false);
  copy.emplace(model.settings(), model.vocabulary_size(), model.parameters().values().scalar_type());
  copy->parameters().values().detach().copy_(model.parameters().values());
  return *copy;
}

// The ids of the prefix; an empty one starts like a new line.
std::vector<uint32_t> first_ids(const SampleStream& stream, const Vocabulary& vocabulary) {
  std::vector<uint32_t> ids = vocabulary.encode(stream.prefix, stream.options.unknown);
  if (ids.empty()) ids.push_back(vocabulary.find(U'\n').value_or(vocabulary.has_unknown() ? 1 : 0));
  return ids;
}

// The states of several streams and their next logits: by a stepper if there is one, else by
// CharRnn::forward.
class Streams {
 public:
  Streams(const CharRnn& model, const std::optional<CharacterStepper>& stepper)
      : model_(model), stepper_(stepper) {}

  // Each prefix is read alone, equal ones once. Returns false if a stop was requested meanwhile.
  bool read_prefixes(std::span<const SampleStream> streams, const Vocabulary& vocabulary,
                     const Sampler::Progress& progress, StopToken stop) {
    std::vector<RnnState> states;
    std::vector<at::Tensor> logits;  // (1, V) each
    for (size_t i = 0; i < streams.size(); ++i) {
      if (i > 0 && streams[i].prefix == streams[i - 1].prefix &&
          streams[i].options.unknown == streams[i - 1].options.unknown) {
        states.push_back(states.back());
        logits.push_back(logits.back());
        continue;
      }
      states.push_back(model_.zero_state(1));
      logits.emplace_back();
      const auto keep_last = [&](const at::Tensor& found) {
        logits.back() = found.select(1, -1).clone();
        return true;
      };
      if (!read(model_, first_ids(streams[i], vocabulary), states.back(), progress, stop, keep_last))
        return false;
    }
    state_ = join_lanes(states);
    logits_ = as_floats(at::cat(logits));
    if (stepper_) packed_ = stepper_->begin(state_);
    return true;
  }

  std::span<float> logits(size_t stream) { return row(logits_, stream); }  // (V)

  // ids (B): the next character of each.
  void step(std::vector<int64_t>& ids) {
    if (stepper_) {
      stepper_->step(ids, *packed_);
      for (size_t i = 0; i < ids.size(); ++i) {
        std::ranges::copy(packed_->logits(static_cast<int64_t>(i)), logits(i).begin());
      }
      return;
    }
    const at::Tensor input = at::tensor(ids, at::TensorOptions().dtype(at::kLong)).unsqueeze(1);
    logits_ = as_floats(model_.forward(input, state_, std::nullopt).select(1, 0));
  }

 private:
  const CharRnn& model_;
  const std::optional<CharacterStepper>& stepper_;
  std::optional<CharacterStepper::Streams> packed_;
  RnnState state_;     // (L, B, H)
  at::Tensor logits_;  // (B, V)
};

}  // namespace

Sampler::Sampler(const CharRnn& model, const Vocabulary& vocabulary, bool has_targets)
    : model_(on_cpu(model, copy_)), vocabulary_(vocabulary), has_targets_(has_targets) {
  if (!has_targets && CharacterStepper::serves(model_)) stepper_.emplace(model_);
}

bool Sampler::generate(std::string_view prefix, int64_t length, const SampleOptions& options,
                       const std::function<bool(const std::string&)>& sink, StopToken stop) const {
  const SampleStream alone{prefix, options};
  return generate(
      {&alone, 1}, length, [&](size_t, const std::string& character) { return sink(character); }, stop);
}

bool Sampler::generate(std::span<const SampleStream> streams, int64_t length, const Sink& sink,
                       StopToken stop) const {
  const c10::AutoGradMode no_grad(false);
  if (has_targets_) return answer(streams, sink, stop);
  for (const auto& [prefix, options] : streams) {
    if (length <= 0) vocabulary_.encode(prefix, options.unknown);  // an error all the same
  }
  if (streams.empty() || length <= 0) return true;
  Streams state(model_, stepper_);
  if (!state.read_prefixes(streams, vocabulary_, progress_, stop)) return false;
  std::vector<int64_t> drawn(streams.size());
  for (int64_t place = 0; place < length; ++place) {
    if (stop.stop_requested()) return false;
    if (place > 0) state.step(drawn);
    for (size_t i = 0; i < streams.size(); ++i) {
      const uint32_t id = draw(state.logits(i), place, streams[i].options);
      if (!sink(i, vocabulary_.decode(id))) return false;
      drawn[i] = id;
    }
  }
  return true;
}

bool Sampler::answer(std::span<const SampleStream> streams, const Sink& sink, StopToken stop) const {
  for (size_t i = 0; i < streams.size(); ++i) {
    RnnState state = model_.zero_state(1);
    int64_t place = 0;
    const auto draw_each = [&](const at::Tensor& found) {
      const at::Tensor logits = as_floats(found);
      for (int64_t t = 0; t < logits.size(1); ++t) {
        const uint32_t id = draw(row(logits, static_cast<size_t>(t)), place++, streams[i].options);
        if (!sink(i, vocabulary_.decode(id))) return false;
      }
      return true;
    };
    const std::vector<uint32_t> ids = vocabulary_.encode(streams[i].prefix, streams[i].options.unknown);
    if (!read(model_, ids, state, progress_, stop, draw_each)) return false;
  }
  return true;
}

uint32_t Sampler::draw(std::span<float> logits, int64_t place, const SampleOptions& options) const {
  if (vocabulary_.has_unknown()) logits[0] = -std::numeric_limits<float>::infinity();
  return pick(logits, options,
              unit_interval(random_bits(options.seed, Draw::kSample, {static_cast<uint64_t>(place)})));
}

std::string Sampler::text(std::string_view prefix, int64_t length, const SampleOptions& options) const {
  const SampleStream alone{prefix, options};
  return texts({&alone, 1}, length)[0];
}

std::vector<std::string> Sampler::texts(std::span<const SampleStream> streams, int64_t length) const {
  std::vector<std::string> texts(streams.size());
  generate(streams, length, [&](size_t stream, const std::string& character) {
    texts[stream] += character;
    return true;
  });
  return texts;
}

}  // namespace charrnn
