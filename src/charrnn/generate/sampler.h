// Goes on with texts, character by character: the state is warmed up by the prefix, then each character is
// drawn from the model's distribution and fed back. Draws are a function of a seed and the place, so a sample
// can be had again, and training is not disturbed by it. Streams drawn side by side share the reading of the
// weights; the text of each is what it would be alone. The CPU draws, also for a model on a GPU.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "charrnn/model/char_rnn.h"
#include "charrnn/model/cpu/character_stepper.h"
#include "charrnn/text/prefix.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

struct SampleOptions {
  double temperature = 1.0;  // logits are divided by it; 0: always the likeliest character
  int64_t top_k = 0;         // draw among the k likeliest only; 0: among all
  double top_p = 1.0;        // draw among the likeliest that hold this share together (Holtzman et al. 2019)
  uint64_t seed = 1;
  UnknownCharacters unknown = UnknownCharacters::kError;  // of the prefix
};

// The id that a uniform number in [0, 1) falls on. However small the temperature, nothing overflows. Ids
// whose logit is not a finite number are never drawn; where none is finite, 0 is.
uint32_t pick(std::span<const float> logits, const SampleOptions& options, double uniform);

// sample.prefixes, cleaned as the corpus was (settings.corpus).
std::vector<std::string> cleaned_prefixes(const Settings& settings);

// Reports which of them cleaning changes. Throws Error (exit code 2) naming the first that holds a character
// which the vocabulary lacks, where sample.unknown_characters makes that an error.
void check_prefixes(const Settings& settings, const Vocabulary& vocabulary);

// A line for people where cleaning changed a prefix: by which settings, and what it is now. `name`:
// "--prefix".
void report_cleaning(const std::string& name, const CleanPrefix& clean);

// "temperature 0.5", or "greedy" for 0.
std::string temperature_text(double temperature);

// One text to go on with.
struct SampleStream {
  std::string_view prefix;  // of who draws
  SampleOptions options;
};

class Sampler {
 public:
  // With the model's weights as they are now (those of one on a GPU are copied). `has_targets`: it was
  // trained with aligned targets (corpus.targets).
  Sampler(const CharRnn& model, const Vocabulary& vocabulary, bool has_targets = false);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Calls `sink` with the text of each of `length` characters as it comes, the prefix not included, until it
  // returns false; gives whether it never did. <unk> is never drawn. Throws Error (exit code 2) where the
  // prefix has a character that the vocabulary lacks and options.unknown makes that an error. An empty prefix
  // starts like a new line.
  // With aligned targets the text is the target of each of the prefix's characters, whatever `length` is.
  bool go_on(std::string_view prefix, int64_t length, const SampleOptions& options,
             const std::function<bool(const std::string&)>& sink) const;

  std::string text(std::string_view prefix, int64_t length, const SampleOptions& options) const;

  // The same for several streams side by side: the first character of each, then the second of each, ...
  using Sink = std::function<bool(size_t stream, const std::string& character)>;
  bool go_on(std::span<const SampleStream> streams, int64_t length, const Sink& sink) const;

  std::vector<std::string> texts(std::span<const SampleStream> streams, int64_t length) const;

  // Called while a long prefix is read, with the characters read so far and all of it.
  using Progress = std::function<void(int64_t done, int64_t total)>;
  void on_progress(Progress progress) { progress_ = std::move(progress); }

 private:
  // One after the other: what the model makes of each position of the prefix.
  bool answer(std::span<const SampleStream> streams, const Sink& sink) const;
  // What is drawn from logits (V), of which those of <unk> are changed, as number `place` of a sample.
  uint32_t draw(std::span<float> logits, int64_t place, const SampleOptions& options) const;

  std::optional<CharRnn> copy_;  // of a model on a GPU
  const CharRnn& model_;         // on the CPU
  const Vocabulary& vocabulary_;
  bool has_targets_;
  Progress progress_ = [](int64_t, int64_t) {};
  std::optional<CharacterStepper> stepper_;  // where it serves and characters are fed back
};

}  // namespace charrnn
