// Common training problems, recognised from a run's own numbers and each reported once, in one line with
// advice: a loss that stays at letter frequencies, samples that repeat one character, exploding gradients, a
// learning rate that is far too high, a model that has memorised its text, gradients that reach back only one
// character. A problem that only follows from a reported one is not reported.
#pragma once

#include <optional>
#include <string>

#include "charrnn/checkpoint/saved_states.h"
#include "charrnn/config/settings.h"
#include "charrnn/evaluate/loss.h"

namespace charrnn {

class Pitfalls {
 public:
  Pitfalls(const Settings& settings, const Baselines& baselines, int64_t vocabulary_size)
      : settings_(settings), baselines_(baselines), vocabulary_size_(vocabulary_size) {}

  // Each returns the line to report, if any. Losses are in nats; `training_loss` is that of the last line, 0
  // before the first.
  std::optional<std::string> at_start();
  std::optional<std::string> after_step(int64_t step, double gradient_norm);
  std::optional<std::string> after_line(int64_t step, const Loss& training);
  // `best` is the lowest validation loss so far, `values_since_best` how many values ago it was.
  std::optional<std::string> after_value(const Loss& validation, double training_loss, double best,
                                         int64_t values_since_best);
  std::optional<std::string> after_sample(int64_t step, double training_loss, const std::string& text);

  void save(SavedStates& saved) const { saved.put("pitfalls", fields_); }
  void restore(const SavedStates& saved) { fields_ = saved.get<Fields>("pitfalls"); }

 private:
  enum class Pitfall {
    kOneCharacterBack,
    kExploding,
    kRateTooHigh,
    kNothingLearnt,
    kOneCharacter,
    kMemorised
  };
  struct Fields {
    uint64_t reported = 0;           // a bit for each Pitfall
    double unjudged_loss_sum = 0;    // nats, collected until there are enough targets to judge
    double unjudged_count = 0;       // targets
    bool was_below_unigram = false;  // the loss, at any time

    template <class Self, class Visitor>
    static void visit(Self& fields, const Visitor& v) {
      v("reported", fields.reported);
      v("unjudged_loss_sum", fields.unjudged_loss_sum);
      v("unjudged_count", fields.unjudged_count);
      v("was_below_unigram", fields.was_below_unigram);
    }
  };

  bool was_reported(Pitfall pitfall) const;
  std::string report(Pitfall pitfall, std::string text);
  const char* usual_rate() const;
  double targets_of_step() const;  // that count in the loss
  bool should_have_learnt(int64_t step) const;

  const Settings& settings_;
  Baselines baselines_;
  int64_t vocabulary_size_;
  Fields fields_;
};

}  // namespace charrnn
