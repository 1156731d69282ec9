#include "charrnn/run/pitfalls.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

// After both of these the loss should be below the unigram baseline.
constexpr int64_t kLearntBySteps = 1000;
constexpr double kLearntByTargets = 32000;  // takes longer than the steps if each has few targets

constexpr double kTargetsToJudge = 1000;  // fewer may be rare characters by chance
constexpr int64_t kFirstSteps = 20;       // any loss is possible in them
constexpr double kExplodingNorm = 100;    // of the gradient of a mean loss, which is seldom above 10
constexpr double kWorseThanGuessing = 1.2;
constexpr size_t kLongestRun = 20;  // characters
constexpr double kRisen = 1.1;      // the validation loss above its best
constexpr double kFarBelow = 0.75;  // the training loss as a part of the validation loss
constexpr int64_t kValuesSinceBest = 2;

// Bytes of the first character: UTF-8, or one byte with a byte vocabulary.
size_t first_width(const std::string& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0xc0 || text.find_first_not_of(text[0]) == std::string::npos) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

// Whether `text` is one character, repeated more than kLongestRun times.
bool is_one_character(const std::string& text) {
  if (text.empty()) return false;
  const size_t width = first_width(text);
  if (text.size() % width != 0 || text.size() / width <= kLongestRun) return false;
  return text.compare(width, std::string::npos, text, 0, text.size() - width) == 0;
}

}  // namespace

bool Pitfalls::was_reported(Pitfall pitfall) const {
  return (fields_.reported >> static_cast<unsigned>(pitfall) & 1U) != 0;
}

std::string Pitfalls::report(Pitfall pitfall, std::string text) {
  fields_.reported |= uint64_t{1} << static_cast<unsigned>(pitfall);
  return text;
}

const char* Pitfalls::usual_rate() const {
  return settings_.train.optimizer.name == OptimizerName::kSgd ? "0.1 to 1 (sgd)" : "0.001 to 0.005";
}

double Pitfalls::targets_of_step() const {
  const auto lanes = static_cast<double>(settings_.train.batch_size);
  return settings_.train.loss == LossOver::kAll ? lanes * settings_.train.sequence_length.mean() : lanes;
}

bool Pitfalls::should_have_learnt(int64_t step) const {
  const auto steps = static_cast<double>(step);
  return step >= kLearntBySteps && steps * targets_of_step() >= kLearntByTargets;
}

std::optional<std::string> Pitfalls::at_start() {
  if (settings_.train.sequence_length.max > 1 || was_reported(Pitfall::kOneCharacterBack)) return {};
  return report(
      Pitfall::kOneCharacterBack,
      "train.sequence_length is 1: gradients reach back no further than one character, so the model "
      "cannot learn to remember; try 35 to 128");
}

std::optional<std::string> Pitfalls::after_step(int64_t step, double gradient_norm) {
  // The noise of a mean grows as the inverse root of the number of targets.
  const double limit = kExplodingNorm * std::sqrt(std::max(1.0, kTargetsToJudge / targets_of_step()));
  const bool is_cut = settings_.train.clip_norm > 0 && settings_.train.clip_norm < limit;
  // With fp16 an infinite norm means that the loss scale was too large.
  const bool is_scale = settings_.train.precision == Precision::kFp16 && std::isinf(gradient_norm);
  if (is_cut || is_scale || std::isnan(gradient_norm) || gradient_norm < limit) return {};
  if (was_reported(Pitfall::kExploding) || was_reported(Pitfall::kRateTooHigh)) return {};
  return report(
      Pitfall::kExploding,
      concat("exploding gradients: after step ", step, " the gradient has a norm of ", gradient_norm,
             ", which train.clip_norm does not limit; try train.clip_norm: 1, a shorter ",
             "train.sequence_length, or model.cell: lstm"));
}

std::optional<std::string> Pitfalls::after_line(int64_t step, const Loss& training) {
  fields_.unjudged_loss_sum += training.sum_nats;
  fields_.unjudged_count += training.count;
  if (fields_.unjudged_count < kTargetsToJudge) return {};
  const Loss loss{std::exchange(fields_.unjudged_loss_sum, 0), std::exchange(fields_.unjudged_count, 0)};
  if (loss.bits() < baselines_.unigram_bits) fields_.was_below_unigram = true;
  if (was_reported(Pitfall::kRateTooHigh) || was_reported(Pitfall::kExploding)) return {};
  const double guessing = std::log2(static_cast<double>(vocabulary_size_));
  if (step >= kFirstSteps && loss.bits() > kWorseThanGuessing * guessing) {
    return report(Pitfall::kRateTooHigh,
                  concat("the learning rate is far too high: after ", step, " steps the loss of ",
                         loss.bits(), " ", bits_label(training.unit), " is worse than the ", guessing,
                         " of blind guessing; try train.optimizer.learning_rate: ", usual_rate()));
  }
  if (!should_have_learnt(step) || fields_.was_below_unigram || was_reported(Pitfall::kNothingLearnt)) {
    return {};
  }
  return report(
      Pitfall::kNothingLearnt,
      concat("after ", step, " steps the loss of ", loss.bits(), " ", bits_label(training.unit),
             " is not below the unigram baseline of ", baselines_.unigram_bits,
             ": only letter frequencies were learnt; try a learning rate ten times lower or ", "higher"));
}

std::optional<std::string> Pitfalls::after_value(const Loss& validation, double training_loss, double best,
                                                 int64_t values_since_best) {
  const bool has_risen = values_since_best >= kValuesSinceBest && validation.nats() > kRisen * best;
  if (!has_risen || training_loss == 0 || training_loss > kFarBelow * validation.nats() ||
      was_reported(Pitfall::kMemorised)) {
    return {};
  }
  return report(Pitfall::kMemorised,
                concat("the model has memorised its text: the training loss is ", training_loss,
                       " nats, the validation loss ", validation.nats(), " and rising (best ", best,
                       "); try model.dropout: 0.3, more text, a smaller model, or evaluate.patience: 3"));
}

std::optional<std::string> Pitfalls::after_sample(int64_t step, double training_loss,
                                                  const std::string& text) {
  const bool is_below_unigram =
      training_loss > 0 && training_loss < baselines_.unigram_bits * std::numbers::ln2;
  if (!should_have_learnt(step) || !is_below_unigram || !is_one_character(text)) return {};
  if (was_reported(Pitfall::kOneCharacter) || was_reported(Pitfall::kExploding) ||
      was_reported(Pitfall::kRateTooHigh)) {
    return {};
  }
  return report(
      Pitfall::kOneCharacter,
      concat("a sample repeats a single character: the model has learnt letter frequencies and ",
             "little else; train longer, try a learning rate three to ten times higher, and sample ",
             "with a temperature of 0.5 to 1 rather than greedy"));
}

}  // namespace charrnn
