#include "charrnn/config/override_rules.h"

#include <type_traits>

#include "charrnn/config/config_printer.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

template <class T>
bool take_back(T& value, const std::type_identity_t<T>& instead = {}) {
  if (value == instead) return false;
  value = instead;
  return true;
}

bool nccl_on_cpu(const Settings& s) {
  return s.comm.backend == Backend::kNccl && s.run.device == DeviceName::kCpu;
}

bool shorten_warmup(Settings& s) {
  int64_t& warmup = s.train.schedule.warmup_steps;
  return s.train.steps && warmup > *s.train.steps && take_back(warmup, *s.train.steps);
}

bool use_no_list(const SplitSettings& s, std::vector<std::string>& list) {
  return s.by != SplitBy::kList && take_back(list);
}

bool split_by_list(SplitSettings& s, const std::vector<std::string>& list) {
  return !list.empty() && take_back(s.by, SplitBy::kList);
}

constexpr OverrideRule kRules[] = {
    {"train.steps", "train.epochs", [](Settings& s) { return s.train.steps && take_back(s.train.epochs); }},
    {"train.epochs", "train.steps", [](Settings& s) { return s.train.epochs && take_back(s.train.steps); }},
    {"train.steps", "train.schedule.warmup_steps", shorten_warmup},
    {"train.optimizer.name", "train.optimizer.momentum",
     [](Settings& s) { return s.train.optimizer.is_adam() && take_back(s.train.optimizer.momentum, 0.0); }},
    {"train.optimizer.name", "train.optimizer.nesterov",
     [](Settings& s) {
       return s.train.optimizer.name != OptimizerName::kSgd && take_back(s.train.optimizer.nesterov, false);
     }},
    {"train.optimizer.name", "train.optimizer.amsgrad",
     [](Settings& s) { return !s.train.optimizer.is_adam() && take_back(s.train.optimizer.amsgrad, false); }},
    {"train.sampling", "train.reset_state",
     [](Settings& s) {
       return s.train.sampling == Sampling::kRandom && take_back(s.train.reset_state, ResetState::kShard);
     }},
    {"train.average_decay", "evaluate.weights",
     [](Settings& s) { return !s.train.average_decay && take_back(s.evaluate.weights, WeightsUsed::kLast); }},
    {"train.average_decay", "sample.weights",
     [](Settings& s) { return !s.train.average_decay && take_back(s.sample.weights, WeightsUsed::kLast); }},
    {"evaluate.every", "evaluate.patience",
     [](Settings& s) { return !s.evaluate.every.is_on() && take_back(s.evaluate.patience); }},
    {"run.device", "comm.backend",
     [](Settings& s) { return nccl_on_cpu(s) && take_back(s.comm.backend, Backend::kAuto); }},
    {"comm.backend", "run.device",
     [](Settings& s) { return nccl_on_cpu(s) && take_back(s.run.device, DeviceName::kAuto); }},
    {"corpus.vocabulary.from", "corpus.vocabulary.min_count",
     [](Settings& s) {
       return !s.corpus.vocabulary.from.empty() && take_back(s.corpus.vocabulary.min_count, 1);
     }},
    {"corpus.vocabulary.from", "corpus.vocabulary.max_size",
     [](Settings& s) {
       return !s.corpus.vocabulary.from.empty() && take_back(s.corpus.vocabulary.max_size);
     }},
    {"corpus.vocabulary.min_count", "corpus.vocabulary.from",
     [](Settings& s) { return s.corpus.vocabulary.min_count > 1 && take_back(s.corpus.vocabulary.from); }},
    {"corpus.vocabulary.max_size", "corpus.vocabulary.from",
     [](Settings& s) { return s.corpus.vocabulary.max_size && take_back(s.corpus.vocabulary.from); }},
    {"corpus.split.by", "corpus.split.valid_list",
     [](Settings& s) { return use_no_list(s.corpus.split, s.corpus.split.valid_list); }},
    {"corpus.split.by", "corpus.split.test_list",
     [](Settings& s) { return use_no_list(s.corpus.split, s.corpus.split.test_list); }},
    {"corpus.split.valid_list", "corpus.split.by",
     [](Settings& s) { return split_by_list(s.corpus.split, s.corpus.split.valid_list); }},
    {"corpus.split.test_list", "corpus.split.by",
     [](Settings& s) { return split_by_list(s.corpus.split, s.corpus.split.test_list); }},
};

}  // namespace

std::span<const OverrideRule> override_rules() {
  return kRules;
}

void let_overrides_win(Config& config) {
  for (const OverrideRule& rule : kRules) {
    const bool is_chosen = config.overridden.contains(rule.winner);
    if (!is_chosen || config.overridden.contains(rule.loser) || !rule.yield(config.settings)) continue;
    config.notes.push_back(concat("--set ", config.overridden.at(rule.winner), " replaces ", rule.loser, " (",
                                  config.where(rule.loser), "), which is now ",
                                  flatten(config.settings).at(rule.loser)));
    config.origins[rule.loser] = config.where(rule.winner);
  }
}

}  // namespace charrnn
