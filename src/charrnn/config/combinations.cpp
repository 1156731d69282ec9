#include "charrnn/config/combinations.h"

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <utility>

#include "charrnn/config/setting_value.h"
#include "charrnn/core/error.h"
#include "charrnn/core/path_expansion.h"

namespace charrnn {
namespace {

// With `winner` given by --set and `loser` by the file, `yield` takes the loser back. It does nothing where
// the two don't contradict each other, and then there is no note.
struct Rule {
  const char* winner;
  const char* loser;
  std::function<bool(Settings&)> yield;
};

template <class T>
bool take_back(T& value, const T& instead) {
  if (value == instead) return false;
  value = instead;
  return true;
}

bool is_adam(const OptimizerSettings& s) {
  return s.name == OptimizerName::kAdam || s.name == OptimizerName::kAdamW;
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {"train.steps", "train.epochs",
       [](Settings& s) { return s.train.steps && take_back(s.train.epochs, {}); }},
      {"train.epochs", "train.steps",
       [](Settings& s) { return s.train.epochs && take_back(s.train.steps, {}); }},
      {"train.steps", "train.schedule.warmup_steps",
       [](Settings& s) {
         int64_t& warmup = s.train.schedule.warmup_steps;
         return s.train.steps && warmup > *s.train.steps && take_back(warmup, *s.train.steps);
       }},
      {"train.optimizer.name", "train.optimizer.momentum",
       [](Settings& s) { return is_adam(s.train.optimizer) && take_back(s.train.optimizer.momentum, 0.0); }},
      {"train.optimizer.name", "train.optimizer.nesterov",
       [](Settings& s) {
         return s.train.optimizer.name != OptimizerName::kSgd && take_back(s.train.optimizer.nesterov, false);
       }},
      {"train.optimizer.name", "train.optimizer.amsgrad",
       [](Settings& s) {
         return !is_adam(s.train.optimizer) && take_back(s.train.optimizer.amsgrad, false);
       }},
      {"train.sampling", "train.reset_state",
       [](Settings& s) {
         return s.train.sampling == Sampling::kRandom &&
                take_back(s.train.reset_state, TrainSettings().reset_state);
       }},
      {"train.average_decay", "evaluate.weights",
       [](Settings& s) {
         return !s.train.average_decay && take_back(s.evaluate.weights, WeightsUsed::kLast);
       }},
      {"train.average_decay", "sample.weights",
       [](Settings& s) { return !s.train.average_decay && take_back(s.sample.weights, WeightsUsed::kLast); }},
      {"evaluate.every", "evaluate.patience",
       [](Settings& s) { return !s.evaluate.every.is_on() && take_back(s.evaluate.patience, {}); }},
      {"run.device", "comm.backend",
       [](Settings& s) {
         return s.run.device == DeviceName::kCpu && s.comm.backend == Backend::kNccl &&
                take_back(s.comm.backend, Backend::kAuto);
       }},
      {"comm.backend", "run.device",
       [](Settings& s) {
         return s.comm.backend == Backend::kNccl && s.run.device == DeviceName::kCpu &&
                take_back(s.run.device, DeviceName::kAuto);
       }},
      {"corpus.vocabulary.from", "corpus.vocabulary.min_count",
       [](Settings& s) {
         return !s.corpus.vocabulary.from.empty() &&
                take_back(s.corpus.vocabulary.min_count, VocabularySettings().min_count);
       }},
      {"corpus.vocabulary.from", "corpus.vocabulary.max_size",
       [](Settings& s) {
         return !s.corpus.vocabulary.from.empty() && take_back(s.corpus.vocabulary.max_size, {});
       }},
      {"corpus.vocabulary.min_count", "corpus.vocabulary.from",
       [](Settings& s) {
         return s.corpus.vocabulary.min_count > 1 && take_back(s.corpus.vocabulary.from, {});
       }},
      {"corpus.vocabulary.max_size", "corpus.vocabulary.from",
       [](Settings& s) {
         return s.corpus.vocabulary.max_size.has_value() && take_back(s.corpus.vocabulary.from, {});
       }},
      {"corpus.split.by", "corpus.split.valid_list",
       [](Settings& s) {
         return s.corpus.split.by != SplitBy::kList && take_back(s.corpus.split.valid_list, {});
       }},
      {"corpus.split.by", "corpus.split.test_list",
       [](Settings& s) {
         return s.corpus.split.by != SplitBy::kList && take_back(s.corpus.split.test_list, {});
       }},
      {"corpus.split.valid_list", "corpus.split.by",
       [](Settings& s) {
         return !s.corpus.split.valid_list.empty() && take_back(s.corpus.split.by, SplitBy::kList);
       }},
      {"corpus.split.test_list", "corpus.split.by",
       [](Settings& s) {
         return !s.corpus.split.test_list.empty() && take_back(s.corpus.split.by, SplitBy::kList);
       }},
  };
  return all;
}

// Collects contradictions: where the setting was given, what is wrong, and what --set would settle it.
class Problems {
 public:
  explicit Problems(const Config& config) : config_(config) {}

  void add(const char* setting, const std::string& text, const std::vector<std::string>& choices) {
    std::string advice;
    for (const std::string& choice : choices) advice += (advice.empty() ? "--set " : " or --set ") + choice;
    texts_.push_back(concat(config_.where(setting), ": ", text, " (", advice, ")"));
  }
  std::vector<std::string> take() { return std::move(texts_); }

 private:
  const Config& config_;
  std::vector<std::string> texts_;
};

void find_in_corpus(const CorpusSettings& s, Problems& problems) {
  if (s.split.valid + s.split.test >= 1.0) {
    problems.add(
        "corpus.split.valid",
        concat("corpus.split.valid and corpus.split.test are ", number_text(s.split.valid + s.split.test),
               " together, expected less than 1 so that something is left to train on"),
        {"corpus.split.valid=0.05", "corpus.split.test=0.05"});
  }
  const bool has_list = !s.split.valid_list.empty() || !s.split.test_list.empty();
  if (has_list != (s.split.by == SplitBy::kList)) {
    problems.add(
        "corpus.split.by",
        "corpus.split.by: list and the lists corpus.split.valid_list and test_list belong together; give "
        "both or neither",
        {has_list ? "corpus.split.by=list" : "corpus.split.by=auto"});
  }
  if (!s.vocabulary.from.empty() && (s.vocabulary.min_count > 1 || s.vocabulary.max_size)) {
    problems.add(
        "corpus.vocabulary.from",
        "corpus.vocabulary.from takes a vocabulary as it is; leave out corpus.vocabulary.min_count and "
        "max_size",
        {"corpus.vocabulary.min_count=1 --set corpus.vocabulary.max_size=none", "corpus.vocabulary.from="});
  }
}

void find_in_optimizer(const OptimizerSettings& s, Problems& problems) {
  if (s.momentum > 0 && is_adam(s)) {
    problems.add("train.optimizer.momentum",
                 concat("train.optimizer.momentum belongs to sgd and rmsprop, this run uses ",
                        enum_name(s.name), ", whose momentum is beta1"),
                 {"train.optimizer.momentum=0", "train.optimizer.name=sgd"});
  }
  if (s.nesterov && (s.name != OptimizerName::kSgd || s.momentum == 0)) {
    problems.add(
        "train.optimizer.nesterov", "train.optimizer.nesterov belongs to sgd with a momentum above 0",
        {"train.optimizer.nesterov=false", "train.optimizer.name=sgd --set train.optimizer.momentum=0.9"});
  }
  if (s.amsgrad && !is_adam(s)) {
    problems.add(
        "train.optimizer.amsgrad",
        concat("train.optimizer.amsgrad belongs to adam and adamw, this run uses ", enum_name(s.name)),
        {"train.optimizer.amsgrad=false", "train.optimizer.name=adam"});
  }
}

void find_in_length(const Config& config, const TrainSettings& s, Problems& problems) {
  if (s.steps && s.epochs) {
    problems.add("train.epochs",
                 concat("train.epochs and train.steps (", config.where("train.steps"),
                        ") both say how long to train; keep one"),
                 {"train.epochs=none", "train.steps=none"});
  }
  if (s.steps && s.schedule.warmup_steps > *s.steps) {
    problems.add("train.schedule.warmup_steps",
                 concat("train.schedule.warmup_steps is ", s.schedule.warmup_steps,
                        ", longer than the run of ", *s.steps, " train.steps"),
                 {concat("train.schedule.warmup_steps=", *s.steps / 10), "train.steps with a larger number"});
  }
}

void find_in_reading(const TrainSettings& s, Problems& problems) {
  if (s.sampling != Sampling::kRandom) return;
  if (s.reset_state == ResetState::kDocument) {
    problems.add(
        "train.reset_state",
        "train.reset_state: document is for sequential sampling; with random sampling every window starts "
        "from zero state",
        {"train.reset_state=shard", "train.sampling=sequential"});
  }
  if (s.sequence_length.is_range()) {
    problems.add(
        "train.sequence_length",
        concat("train.sequence_length is a range (", s.sequence_length.text(),
               "), which is for sequential sampling: with random sampling all windows are equally long; give "
               "one number"),
        {concat("train.sequence_length=", s.sequence_length.max), "train.sampling=sequential"});
  }
}

void find_in_evaluation(const Settings& s, Problems& problems) {
  for (const auto& [path, weights] :
       {std::pair("evaluate.weights", s.evaluate.weights), std::pair("sample.weights", s.sample.weights)}) {
    if (weights == WeightsUsed::kAverage && !s.train.average_decay) {
      problems.add(path, concat(path, ": average needs train.average_decay, such as 0.999"),
                   {"train.average_decay=0.999", concat(path, "=last")});
    }
  }
  if (s.evaluate.every.is_on()) return;
  if (s.evaluate.patience) {
    problems.add("evaluate.patience", "evaluate.patience needs evaluate.every",
                 {"evaluate.every=1000", "evaluate.patience=none"});
  }
  if (s.train.schedule.name == ScheduleName::kPlateau) {
    problems.add("train.schedule.name",
                 "train.schedule.name: plateau watches the validation values; give evaluate.every",
                 {"evaluate.every=1000", "train.schedule.name=constant"});
  }
}

}  // namespace

std::vector<std::string> impossible_combinations(const Config& config) {
  const Settings& s = config.settings;
  Problems problems(config);
  find_in_corpus(s.corpus, problems);
  find_in_length(config, s.train, problems);
  find_in_optimizer(s.train.optimizer, problems);
  find_in_reading(s.train, problems);
  find_in_evaluation(s, problems);
  if (s.model.tied_weights && (s.model.input != InputLayer::kEmbedding || s.model.head != Head::kLinear ||
                               s.model.embedding_size != s.model.hidden_size)) {
    problems.add("model.tied_weights",
                 concat("model.tied_weights needs model.input: embedding, model.head: linear and "
                        "model.embedding_size (",
                        s.model.embedding_size, ") equal to model.hidden_size (", s.model.hidden_size, ")"),
                 {"model.tied_weights=false", concat("model.embedding_size=", s.model.hidden_size)});
  }
  if (s.comm.straggler_factor > 0 && s.comm.straggler_factor <= 1) {
    problems.add("comm.straggler_factor",
                 concat("comm.straggler_factor is ", number_text(s.comm.straggler_factor),
                        ", expected more than 1, or 0 for never"),
                 {"comm.straggler_factor=1.5"});
  }
  if (s.train.scale_learning_rate != RateScale::kNone && !s.train.reference_batch_size) {
    problems.add(
        "train.scale_learning_rate",
        "train.scale_learning_rate needs train.reference_batch_size, the batch that "
        "train.optimizer.learning_rate was found for",
        {concat("train.reference_batch_size=", s.train.batch_size), "train.scale_learning_rate=none"});
  }
  if (s.comm.backend == Backend::kNccl && s.run.device == DeviceName::kCpu) {
    problems.add("comm.backend",
                 concat("comm.backend nccl needs GPUs, but run.device is cpu (", config.where("run.device"),
                        "); use mpi or auto"),
                 {"comm.backend=auto", "run.device=auto"});
  }
  return problems.take();
}

void let_overrides_win(Config& config) {
  for (const Rule& rule : rules()) {
    const bool is_chosen = config.overridden.contains(rule.winner);
    if (!is_chosen || config.overridden.contains(rule.loser) || !rule.yield(config.settings)) continue;
    config.notes.push_back(concat("--set ", config.overridden.at(rule.winner), " replaces ", rule.loser, " (",
                                  config.where(rule.loser), "), which is now ",
                                  flatten(config.settings).at(rule.loser)));
    config.origins[rule.loser] = config.where(rule.winner);
  }
}

void refuse_shared_folder(const Config& config) {
  const Settings& s = config.settings;
  const auto folder = [](const std::string& path) {
    return std::filesystem::path(path + "/").lexically_normal();
  };
  if (s.run.output.empty() || folder(s.run.output) != folder(s.corpus.output)) return;
  fail_usage(config.where("run.output"), ": run.output and corpus.output are both ", s.run.output,
             ", expected two folders (--set run.output=FOLDER)");
}

void note_settings_without_effect(Config& config) {
  const Settings& s = config.settings;
  const ScheduleName schedule = s.train.schedule.name;
  const bool is_sgd = s.train.optimizer.name == OptimizerName::kSgd;
  const bool rolls_back = s.train.on_divergence == OnDivergence::kRollback;
  const auto values = flatten(s);
  const auto defaults = flatten(Settings());
  struct Idle {
    const char* setting;
    bool is_idle;
    const char* needs;
  };
  for (const auto& [setting, is_idle, needs] : std::initializer_list<Idle>{
           {"train.optimizer.beta1", !is_adam(s.train.optimizer), "train.optimizer.name: adam or adamw"},
           {"train.optimizer.beta2", !is_adam(s.train.optimizer), "train.optimizer.name: adam or adamw"},
           {"train.optimizer.epsilon", is_sgd, "train.optimizer.name: adam, adamw or rmsprop"},
           {"train.optimizer.alpha", s.train.optimizer.name != OptimizerName::kRmsprop,
            "train.optimizer.name: rmsprop"},
           {"train.schedule.step_size", schedule != ScheduleName::kStep, "train.schedule.name: step"},
           {"train.schedule.factor", schedule != ScheduleName::kStep && schedule != ScheduleName::kPlateau,
            "train.schedule.name: step or plateau"},
           {"train.schedule.patience", schedule != ScheduleName::kPlateau, "train.schedule.name: plateau"},
           {"train.schedule.final_fraction",
            schedule != ScheduleName::kCosine && schedule != ScheduleName::kLinear &&
                schedule != ScheduleName::kPlateau,
            "train.schedule.name: cosine, linear or plateau"},
           {"train.rollback_rate_factor", !rolls_back, "train.on_divergence: rollback"},
           {"train.max_rollbacks", !rolls_back, "train.on_divergence: rollback"},
           {"train.reference_batch_size", s.train.scale_learning_rate == RateScale::kNone,
            "train.scale_learning_rate"},
           {"train.batch_size", s.train.lanes_per_rank.has_value(), "train.lanes_per_rank: none"},
           {"model.embedding_size", s.model.input != InputLayer::kEmbedding, "model.input: embedding"},
           {"model.forget_bias", s.model.cell != Cell::kLstm, "model.cell: lstm"},
           {"model.initial_scale", s.model.initial_weights != InitialWeights::kNormal,
            "model.initial_weights: normal"},
       }) {
    if (!is_idle || !config.origins.contains(setting) || values.at(setting) == defaults.at(setting)) continue;
    config.notes.push_back(concat(config.where(setting), ": ", setting, " has no effect without ", needs));
  }
}

void expand_paths(Config& config) {
  const auto expand = [&](const char* setting, std::string& path) {
    if (!config.origins.contains(setting) || path == "-") return;
    const bool is_list = path.starts_with('@');
    try {
      path = is_list ? concat("@", expand_path(path.substr(1))) : expand_path(path);
    } catch (const Error& problem) {
      fail_usage(config.where(setting), ": ", setting, ": ", problem.what());
    }
  };
  Settings& s = config.settings;
  for (SourceSettings& source : s.corpus.sources) expand("corpus.sources", source.path);
  expand("corpus.output", s.corpus.output);
  expand("corpus.targets", s.corpus.targets);
  expand("corpus.vocabulary.from", s.corpus.vocabulary.from);
  for (std::string& name : s.corpus.split.valid_list) {
    if (name.starts_with('@')) expand("corpus.split.valid_list", name);
  }
  for (std::string& name : s.corpus.split.test_list) {
    if (name.starts_with('@')) expand("corpus.split.test_list", name);
  }
  expand("train.start_from", s.train.start_from);
  expand("run.output", s.run.output);
}

}  // namespace charrnn
