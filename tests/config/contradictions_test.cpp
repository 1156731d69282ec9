#include "charrnn/config/contradictions.h"

#include <gmock/gmock.h>

#include <map>

namespace charrnn {
namespace {

using testing::HasSubstr;

// A change that breaks one rule, and what its message must contain.
struct Case {
  void (*break_rule)(Settings& settings);
  std::string message;
};

const std::map<std::string_view, Case> kCases{
    {"nothing_left_to_train_on", {[](Settings& s) { s.corpus.split.valid = 0.95; }, "add up to 1"}},
    {"list_without_split_by_list",
     {[](Settings& s) { s.corpus.split.valid_list = {"a"}; }, "--set corpus.split.by=list"}},
    {"limits_of_a_given_vocabulary",
     {[](Settings& s) { s.corpus.vocabulary = {.min_count = 2, .max_size = {}, .from = "runs/a"}; },
      "uses an existing vocabulary"}},
    {"steps_and_epochs",
     {[](Settings& s) {
        s.train.steps = 3;
        s.train.epochs = 1;
      },
      "(--set train.epochs=none or --set train.steps=none)"}},
    {"warmup_longer_than_the_run",
     {[](Settings& s) {
        s.train.steps = 30;
        s.train.schedule.warmup_steps = 31;
      },
      "31, longer than the run of 30 train.steps (--set train.schedule.warmup_steps=3 "}},
    {"momentum_with_adam",
     {[](Settings& s) { s.train.optimizer.momentum = 0.9; }, "this run uses adam, whose momentum is beta1"}},
    {"nesterov_without_sgd",
     {[](Settings& s) { s.train.optimizer.nesterov = true; }, "sgd with a momentum above 0"}},
    {"amsgrad_without_adam",
     {[](Settings& s) {
        s.train.optimizer.name = OptimizerName::kRmsprop;
        s.train.optimizer.amsgrad = true;
      },
      "this run uses rmsprop"}},
    {"document_state_with_random_sampling",
     {[](Settings& s) {
        s.train.sampling = Sampling::kRandom;
        s.train.reset_state = ResetState::kDocument;
      },
      "every window starts from zero state"}},
    {"length_range_with_random_sampling",
     {[](Settings& s) {
        s.train.sampling = Sampling::kRandom;
        s.train.sequence_length = {2, 3};
      },
      "is a range (2 to 3)"}},
    {"evaluate_average_without_decay",
     {[](Settings& s) { s.evaluate.weights = WeightsUsed::kAverage; }, "--set evaluate.weights=last"}},
    {"sample_average_without_decay",
     {[](Settings& s) { s.sample.weights = WeightsUsed::kAverage; }, "--set sample.weights=last"}},
    {"patience_without_evaluation",
     {[](Settings& s) {
        s.evaluate.every = 0;
        s.evaluate.patience = 3;
      },
      "evaluate.patience needs evaluate.every"}},
    {"plateau_without_evaluation",
     {[](Settings& s) {
        s.evaluate.every = 0;
        s.train.schedule.name = ScheduleName::kPlateau;
      },
      "--set evaluate.every=1000"}},
    {"tied_weights_of_other_shapes",
     {[](Settings& s) {
        s.model.tied_weights = true;
        s.model.hidden_size = 7;
      },
      "--set model.embedding_size=7"}},
    {"straggler_factor_up_to_one",
     {[](Settings& s) { s.comm.straggler_factor = 0.5; }, "comm.straggler_factor is 0.5"}},
    {"rate_scale_without_reference",
     {[](Settings& s) { s.train.scale_learning_rate = RateScale::kSqrt; },
      "--set train.reference_batch_size=32"}},
    {"nccl_on_the_cpu",
     {[](Settings& s) {
        s.comm.backend = Backend::kNccl;
        s.run.device = DeviceName::kCpu;
      },
      "needs GPUs"}},
};

TEST(Contradictions, EachRuleFindsItsOwnAlone) {
  EXPECT_EQ(contradiction_rules().size(), kCases.size());
  for (const ContradictionRule& rule : contradiction_rules()) {
    SCOPED_TRACE(rule.name);
    const auto found = kCases.find(rule.name);
    ASSERT_NE(found, kCases.end()) << "a rule without a test";
    Config config;
    config.name = "run.yaml";
    found->second.break_rule(config.settings);
    EXPECT_THAT(contradictions(config), testing::ElementsAre(HasSubstr(found->second.message)));
    ASSERT_TRUE(rule.find(config).has_value());
    EXPECT_THAT(contradictions(config)[0], HasSubstr(rule.find(config)->setting));
  }
}

TEST(Contradictions, DefaultsHaveNone) {
  EXPECT_TRUE(contradictions(Config()).empty());
}

// Settings that just satisfy a rule.
TEST(Contradictions, WhatIsAllowed) {
  Config config;
  Settings& s = config.settings;
  s.corpus.split = {.by = SplitBy::kList, .valid = 0.5, .test = 0.4, .valid_list = {"a"}};
  s.corpus.vocabulary.from = "runs/a";
  s.train.steps = 30;
  s.train.schedule.warmup_steps = 30;
  s.train.optimizer.name = OptimizerName::kSgd;
  s.train.optimizer.momentum = 0.9;
  s.train.optimizer.nesterov = true;
  s.train.sequence_length = {2, 3};
  s.train.reset_state = ResetState::kDocument;
  s.train.average_decay = 0.9;
  s.evaluate.weights = WeightsUsed::kAverage;
  s.evaluate.every = 0;
  s.model.tied_weights = true;
  s.model.embedding_size = s.model.hidden_size;
  s.comm.straggler_factor = 0;
  s.comm.backend = Backend::kNccl;
  EXPECT_THAT(contradictions(config), testing::IsEmpty());
}

}  // namespace
}  // namespace charrnn
