// What beginners get stuck on, recognised from a run's own numbers and said once, in one line each, with what
// to try: a loss that stays at letter frequencies, one character for ever, exploding gradients, a learning
// rate that is far too high, a model that has memorised its text, gradients that reach back no further than
// one character. What is only the consequence of one that was said is not said.
#pragma once

#include <optional>
#include <string>

#include "charrnn/checkpoint/checkpoint.h"
#include "charrnn/config/settings.h"
#include "charrnn/evaluate/evaluator.h"

namespace charrnn {

class Pitfalls {
 public:
  Pitfalls(const Settings& settings, const Baselines& baselines, int64_t vocabulary_size)
      : settings_(settings), baselines_(baselines), vocabulary_size_(vocabulary_size) {}

  // Each gives the line to say, if any, and notes in PROGRESS that it was said.
  std::optional<std::string> at_start(Progressed& progress) const;
  std::optional<std::string> after_step(Progressed& progress, double gradient_norm) const;
  std::optional<std::string> after_line(Progressed& progress, const Loss& training) const;
  std::optional<std::string> after_value(Progressed& progress, const Loss& validation) const;
  std::optional<std::string> after_sample(Progressed& progress, const std::string& text) const;

 private:
  enum class Pitfall {
    kOneCharacterBack,
    kExploding,
    kRateTooHigh,
    kNothingLearnt,
    kOneCharacter,
    kMemorised
  };

  static bool was_said(const Progressed& progress, Pitfall pitfall);
  static std::string say(Progressed& progress, Pitfall pitfall, std::string text);
  const char* usual_rate() const;
  double targets_of_step() const;  // that have a part in the loss
  bool should_have_learnt(const Progressed& progress) const;

  const Settings& settings_;
  Baselines baselines_;
  int64_t vocabulary_size_;
};

}  // namespace charrnn
