#include "charrnn/config/contradictions.h"

#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"

namespace charrnn {
namespace {

using Found = std::optional<Contradiction>;

Found contradiction(const char* setting, std::string text, std::vector<std::string> choices) {
  return Contradiction{setting, std::move(text), std::move(choices)};
}

Found nothing_left_to_train_on(const Config& config) {
  const SplitSettings& s = config.settings.corpus.split;
  if (s.valid + s.test < 1.0) return {};
  return contradiction(
      "corpus.split.valid",
      concat("corpus.split.valid and corpus.split.test add up to ", number_text(s.valid + s.test),
             ", expected less than 1, which leaves text to train on"),
      {"corpus.split.valid=0.05", "corpus.split.test=0.05"});
}

Found list_without_split_by_list(const Config& config) {
  const SplitSettings& s = config.settings.corpus.split;
  const bool has_list = !s.valid_list.empty() || !s.test_list.empty();
  if (has_list == (s.by == SplitBy::kList)) return {};
  return contradiction(
      "corpus.split.by",
      "corpus.split.by: list needs a list (corpus.split.valid_list or test_list), and a list needs "
      "corpus.split.by: list; give both or neither",
      {has_list ? "corpus.split.by=list" : "corpus.split.by=auto"});
}

Found limits_of_a_given_vocabulary(const Config& config) {
  const VocabularySettings& s = config.settings.corpus.vocabulary;
  if (s.from.empty() || (s.min_count <= 1 && !s.max_size)) return {};
  return contradiction(
      "corpus.vocabulary.from",
      "corpus.vocabulary.from uses an existing vocabulary without changes; leave out "
      "corpus.vocabulary.min_count and max_size",
      {"corpus.vocabulary.min_count=1 --set corpus.vocabulary.max_size=none", "corpus.vocabulary.from="});
}

Found steps_and_epochs(const Config& config) {
  const TrainSettings& s = config.settings.train;
  if (!s.steps || !s.epochs) return {};
  return contradiction("train.epochs",
                       concat("train.epochs and train.steps (", config.where("train.steps"),
                              ") both set the length of the run; keep one"),
                       {"train.epochs=none", "train.steps=none"});
}

Found warmup_longer_than_the_run(const Config& config) {
  const TrainSettings& s = config.settings.train;
  if (!s.steps || s.schedule.warmup_steps <= *s.steps) return {};
  return contradiction(
      "train.schedule.warmup_steps",
      concat("train.schedule.warmup_steps is ", s.schedule.warmup_steps, ", longer than the run of ",
             *s.steps, " train.steps"),
      {concat("train.schedule.warmup_steps=", *s.steps / 10), "train.steps with a larger number"});
}

Found momentum_with_adam(const Config& config) {
  const OptimizerSettings& s = config.settings.train.optimizer;
  if (s.momentum == 0 || !s.is_adam()) return {};
  return contradiction("train.optimizer.momentum",
                       concat("train.optimizer.momentum is for sgd and rmsprop, this run uses ",
                              enum_name(s.name), ", whose momentum is beta1"),
                       {"train.optimizer.momentum=0", "train.optimizer.name=sgd"});
}

Found nesterov_without_sgd(const Config& config) {
  const OptimizerSettings& s = config.settings.train.optimizer;
  if (!s.nesterov || (s.name == OptimizerName::kSgd && s.momentum != 0)) return {};
  return contradiction(
      "train.optimizer.nesterov", "train.optimizer.nesterov is for sgd with a momentum above 0",
      {"train.optimizer.nesterov=false", "train.optimizer.name=sgd --set train.optimizer.momentum=0.9"});
}

Found amsgrad_without_adam(const Config& config) {
  const OptimizerSettings& s = config.settings.train.optimizer;
  if (!s.amsgrad || s.is_adam()) return {};
  return contradiction(
      "train.optimizer.amsgrad",
      concat("train.optimizer.amsgrad is for adam and adamw, this run uses ", enum_name(s.name)),
      {"train.optimizer.amsgrad=false", "train.optimizer.name=adam"});
}

Found document_state_with_random_sampling(const Config& config) {
  const TrainSettings& s = config.settings.train;
  if (s.sampling != Sampling::kRandom || s.reset_state != ResetState::kDocument) return {};
  return contradiction(
      "train.reset_state",
      "train.reset_state: document is for sequential sampling; with random sampling every window starts "
      "from zero state",
      {"train.reset_state=shard", "train.sampling=sequential"});
}

Found length_range_with_random_sampling(const Config& config) {
  const TrainSettings& s = config.settings.train;
  if (s.sampling != Sampling::kRandom || !s.sequence_length.is_range()) return {};
  return contradiction(
      "train.sequence_length",
      concat("train.sequence_length is a range (", s.sequence_length.text(),
             "), which is for sequential sampling: with random sampling all windows are equally long; give "
             "one number"),
      {concat("train.sequence_length=", s.sequence_length.max), "train.sampling=sequential"});
}

Found average_without_decay(const Config& config, const char* setting, WeightsUsed weights) {
  if (weights == WeightsUsed::kLast || config.settings.train.average_decay) return {};
  return contradiction(setting, concat(setting, ": average needs train.average_decay, such as 0.999"),
                       {"train.average_decay=0.999", concat(setting, "=last")});
}

Found evaluate_average_without_decay(const Config& config) {
  return average_without_decay(config, "evaluate.weights", config.settings.evaluate.weights);
}

Found sample_average_without_decay(const Config& config) {
  return average_without_decay(config, "sample.weights", config.settings.sample.weights);
}

Found patience_without_evaluation(const Config& config) {
  const EvaluateSettings& s = config.settings.evaluate;
  if (s.every.is_on() || !s.patience) return {};
  return contradiction("evaluate.patience", "evaluate.patience needs evaluate.every",
                       {"evaluate.every=1000", "evaluate.patience=none"});
}

Found plateau_without_evaluation(const Config& config) {
  const Settings& s = config.settings;
  if (s.evaluate.every.is_on() || s.train.schedule.name != ScheduleName::kPlateau) return {};
  return contradiction("train.schedule.name",
                       "train.schedule.name: plateau depends on validation values: it needs evaluate.every",
                       {"evaluate.every=1000", "train.schedule.name=constant"});
}

Found tied_weights_of_other_shapes(const Config& config) {
  const ModelSettings& s = config.settings.model;
  const bool can_be_tied =
      s.input == InputLayer::kEmbedding && s.head == Head::kLinear && s.embedding_size == s.hidden_size;
  if (!s.tied_weights || can_be_tied) return {};
  return contradiction("model.tied_weights",
                       concat("model.tied_weights needs model.input: embedding, model.head: linear and "
                              "model.embedding_size (",
                              s.embedding_size, ") equal to model.hidden_size (", s.hidden_size, ")"),
                       {"model.tied_weights=false", concat("model.embedding_size=", s.hidden_size)});
}

Found straggler_factor_up_to_one(const Config& config) {
  const double factor = config.settings.comm.straggler_factor;
  if (factor == 0 || factor > 1) return {};
  return contradiction(
      "comm.straggler_factor",
      concat("comm.straggler_factor is ", number_text(factor), ", expected more than 1, or 0 for never"),
      {"comm.straggler_factor=1.5"});
}

Found rate_scale_without_reference(const Config& config) {
  const TrainSettings& s = config.settings.train;
  if (s.scale_learning_rate == RateScale::kNone || s.reference_batch_size) return {};
  return contradiction(
      "train.scale_learning_rate",
      "train.scale_learning_rate needs train.reference_batch_size, the batch size for which "
      "train.optimizer.learning_rate was chosen",
      {concat("train.reference_batch_size=", s.batch_size), "train.scale_learning_rate=none"});
}

Found nccl_on_the_cpu(const Config& config) {
  const Settings& s = config.settings;
  if (s.comm.backend != Backend::kNccl || s.run.device != DeviceName::kCpu) return {};
  return contradiction("comm.backend",
                       concat("comm.backend nccl needs GPUs, but run.device is cpu (",
                              config.where("run.device"), "); use mpi or auto"),
                       {"comm.backend=auto", "run.device=auto"});
}

constexpr ContradictionRule kRules[] = {
    {"nothing_left_to_train_on", nothing_left_to_train_on},
    {"list_without_split_by_list", list_without_split_by_list},
    {"limits_of_a_given_vocabulary", limits_of_a_given_vocabulary},
    {"steps_and_epochs", steps_and_epochs},
    {"warmup_longer_than_the_run", warmup_longer_than_the_run},
    {"momentum_with_adam", momentum_with_adam},
    {"nesterov_without_sgd", nesterov_without_sgd},
    {"amsgrad_without_adam", amsgrad_without_adam},
    {"document_state_with_random_sampling", document_state_with_random_sampling},
    {"length_range_with_random_sampling", length_range_with_random_sampling},
    {"evaluate_average_without_decay", evaluate_average_without_decay},
    {"sample_average_without_decay", sample_average_without_decay},
    {"patience_without_evaluation", patience_without_evaluation},
    {"plateau_without_evaluation", plateau_without_evaluation},
    {"tied_weights_of_other_shapes", tied_weights_of_other_shapes},
    {"straggler_factor_up_to_one", straggler_factor_up_to_one},
    {"rate_scale_without_reference", rate_scale_without_reference},
    {"nccl_on_the_cpu", nccl_on_the_cpu},
};

std::string message(const Config& config, const Contradiction& found) {
  std::string advice;
  for (const std::string& choice : found.choices)
    advice += (advice.empty() ? "--set " : " or --set ") + choice;
  return concat(config.where(found.setting), ": ", found.text, " (", advice, ")");
}

}  // namespace

std::span<const ContradictionRule> contradiction_rules() {
  return kRules;
}

std::vector<std::string> contradictions(const Config& config) {
  std::vector<std::string> messages;
  for (const ContradictionRule& rule : kRules) {
    if (const Found found = rule.find(config)) messages.push_back(message(config, *found));
  }
  return messages;
}

}  // namespace charrnn
