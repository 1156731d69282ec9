// Continues texts, character by character: the model reads the prefix, then each character is drawn from its
// distribution and fed back. Draws are a function of a seed and the place, so a sample can be repeated, and
// training does not depend on it. Streams that are drawn together share the reading of the weights; the text
// of each is what it would be alone. The CPU draws, also for a model on a GPU.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/generate/pick.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/model/cpu/character_stepper.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

// One text to continue.
struct SampleStream {
  std::string_view prefix;  // outlives the call
  SampleOptions options;
};

class Sampler {
 public:
  // With the model's weights as they are now (those of one on a GPU are copied). `has_targets`: it was
  // trained with aligned targets (corpus.targets).
  Sampler(const CharRnn& model, const Vocabulary& vocabulary, bool has_targets = false);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Calls `sink` with the text of each of `length` characters as it is drawn, the prefix not included, until
  // it returns false or a stop is requested; returns whether all were drawn. <unk> is never drawn. Throws
  // Error (exit code 2) if the prefix has a character that the vocabulary lacks and options.unknown makes
  // that an error. An empty prefix starts like a new line. With aligned targets the text is the target of
  // each of the prefix's characters, whatever `length` is.
  bool generate(std::string_view prefix, int64_t length, const SampleOptions& options,
                const std::function<bool(const std::string&)>& sink, StopToken stop = {}) const;

  std::string text(std::string_view prefix, int64_t length, const SampleOptions& options) const;

  // The same for several streams together: the first character of each, then the second of each, ...
  using Sink = std::function<bool(size_t stream, const std::string& character)>;
  bool generate(std::span<const SampleStream> streams, int64_t length, const Sink& sink,
                StopToken stop = {}) const;

  std::vector<std::string> texts(std::span<const SampleStream> streams, int64_t length) const;

  // Called while a long prefix is read, with the characters read so far and all of it.
  using Progress = std::function<void(int64_t done, int64_t total)>;
  void on_progress(Progress progress) { progress_ = std::move(progress); }

 private:
  // With aligned targets, one stream after the other: a draw for each position of the prefix.
  bool answer(std::span<const SampleStream> streams, const Sink& sink, StopToken stop) const;
  // Number `place` of a sample, drawn from logits (V), of which that of <unk> is changed.
  uint32_t draw(std::span<float> logits, int64_t place, const SampleOptions& options) const;

  std::optional<CharRnn> copy_;  // of a model on a GPU
  const CharRnn& model_;         // on the CPU
  const Vocabulary& vocabulary_;
  bool has_targets_;
  Progress progress_ = [](int64_t, int64_t) {};
  std::optional<CharacterStepper> stepper_;  // if it serves and characters are fed back
};

}  // namespace charrnn
