#include "charrnn/config/override_rules.h"

#include <gmock/gmock.h>

#include <set>

#include "charrnn/config/config_file.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

struct Case {
  std::string yaml;
  std::string override_text;  // of the winner
  std::string loser;
  std::string value;  // of the loser afterwards
};

const std::vector<Case> kCases{
    {"train: {epochs: 3}", "train.steps=10", "train.epochs", "none"},
    {"train: {steps: 3}", "train.epochs=1", "train.steps", "none"},
    {"train: {steps: 900, schedule: {warmup_steps: 500}}", "train.steps=10", "train.schedule.warmup_steps",
     "10"},
    {"train: {optimizer: {name: sgd, momentum: 0.9}}", "train.optimizer.name=adam",
     "train.optimizer.momentum", "0"},
    {"train: {optimizer: {name: sgd, momentum: 0.9, nesterov: true}}", "train.optimizer.name=rmsprop",
     "train.optimizer.nesterov", "false"},
    {"train: {optimizer: {amsgrad: true}}", "train.optimizer.name=sgd", "train.optimizer.amsgrad", "false"},
    {"train: {reset_state: document}", "train.sampling=random", "train.reset_state", "shard"},
    {"train: {average_decay: 0.9}\nevaluate: {weights: average}", "train.average_decay=none",
     "evaluate.weights", "last"},
    {"train: {average_decay: 0.9}\nsample: {weights: average}", "train.average_decay=none", "sample.weights",
     "last"},
    {"evaluate: {patience: 3}", "evaluate.every=0", "evaluate.patience", "none"},
    {"comm: {backend: nccl}", "run.device=cpu", "comm.backend", "auto"},
    {"run: {device: cpu}", "comm.backend=nccl", "run.device", "auto"},
    {"corpus: {vocabulary: {min_count: 9}}", "corpus.vocabulary.from=runs/a", "corpus.vocabulary.min_count",
     "1"},
    {"corpus: {vocabulary: {max_size: 50}}", "corpus.vocabulary.from=runs/a", "corpus.vocabulary.max_size",
     "none"},
    {"corpus: {vocabulary: {from: runs/a}}", "corpus.vocabulary.min_count=9", "corpus.vocabulary.from",
     "\"\""},
    {"corpus: {vocabulary: {from: runs/a}}", "corpus.vocabulary.max_size=50", "corpus.vocabulary.from",
     "\"\""},
    {"corpus: {split: {by: list, valid_list: [a]}}", "corpus.split.by=tail", "corpus.split.valid_list", "[]"},
    {"corpus: {split: {by: list, test_list: [a]}}", "corpus.split.by=tail", "corpus.split.test_list", "[]"},
    {"corpus: {split: {by: tail}}", "corpus.split.valid_list=[a]", "corpus.split.by", "list"},
    {"corpus: {split: {by: tail}}", "corpus.split.test_list=[a]", "corpus.split.by", "list"},
};

TEST(OverrideRules, TheLoserIsResetWithANote) {
  std::set<std::string> tested;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.override_text + ", " + c.loser);
    const Config config = parse_config(c.yaml, "run.yaml", {c.override_text});
    EXPECT_EQ(flatten(config.settings).at(c.loser), c.value);
    const std::string start = concat("--set ", c.override_text, " replaces ", c.loser, " (run.yaml");
    EXPECT_THAT(config.notes, testing::ElementsAre(testing::AllOf(testing::StartsWith(start),
                                                                  testing::EndsWith("now " + c.value))));
    EXPECT_EQ(config.where(c.loser), "--set " + c.override_text);
    tested.insert(c.override_text.substr(0, c.override_text.find('=')) + " " + c.loser);
  }
  for (const OverrideRule& rule : override_rules()) {
    EXPECT_TRUE(tested.contains(concat(rule.winner, " ", rule.loser))) << rule.winner << " " << rule.loser;
  }
  EXPECT_EQ(override_rules().size(), kCases.size());
}

}  // namespace
}  // namespace charrnn
