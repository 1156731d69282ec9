// Goes on with a text, character by character: the state is warmed up by the prefix, then each character is
// drawn from the model's distribution and fed back. Draws are a function of a seed and the place, so a sample
// can be had again, and training is not disturbed by it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/char_rnn.h"
#include "text/vocabulary.h"

namespace charrnn {

struct SampleOptions {
  double temperature = 1.0;  // logits are divided by it; 0: always the likeliest character
  int64_t top_k = 0;         // draw among the k likeliest only; 0: among all
  double top_p = 1.0;        // draw among the likeliest that hold this share together (Holtzman et al. 2019)
  uint64_t seed = 1;
};

// The id that a uniform number in [0, 1) falls on. However small the temperature, nothing overflows. Ids
// whose logit is not a finite number are never drawn; where none is finite, 0 is.
uint32_t pick(std::span<const float> logits, const SampleOptions& options, double uniform);

// Throws Error (exit code 2) naming the first of sample.prefixes that holds a character which the vocabulary
// lacks.
void check_prefixes(const std::vector<std::string>& prefixes, const Vocabulary& vocabulary);

class Sampler {
 public:
  Sampler(const CharRnn& model, const Vocabulary& vocabulary) : model_(model), vocabulary_(vocabulary) {}

  // Calls `sink` with the text of each of `length` characters as it comes, the prefix not included, until it
  // returns false; gives whether it never did. <unk> is never drawn. Throws Error (exit code 2) where the
  // prefix has a character that the vocabulary lacks. An empty prefix starts like a new line.
  bool go_on(std::string_view prefix, int64_t length, const SampleOptions& options,
             const std::function<bool(const std::string&)>& sink) const;

  std::string text(std::string_view prefix, int64_t length, const SampleOptions& options) const;

 private:
  const CharRnn& model_;
  const Vocabulary& vocabulary_;
};

}  // namespace charrnn
