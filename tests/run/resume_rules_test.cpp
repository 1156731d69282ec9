#include "charrnn/run/resume_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/config/config_file.h"
#include "charrnn/corpus/corpus_builder.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Settings with(const std::vector<std::string>& overrides) {
  return parse_config("", "test", overrides).settings;
}

class ResumeRules : public testing::Test {
 protected:
  ResumeRules() {
    found_.vocabulary_json = corpus_.vocabulary().to_json();
    found_.corpus_hash = corpus_.hash();
    found_.step = 321;
  }

  CorpusFolder corpus_of(const std::string& name, const std::string& text) const {
    CorpusSettings settings;
    settings.sources = {folder_.write(name + ".txt", text).string()};
    settings.output = (folder_ / name).string();
    settings.split = {.by = SplitBy::kTail, .valid = 0.2, .test = 0};
    build_corpus(settings);
    return CorpusFolder::open(folder_ / name);
  }

  TemporaryFolder folder_;
  CorpusFolder corpus_ = corpus_of("a", "abcdefghij");
  Checkpoint found_;
};

TEST_F(ResumeRules, NothingChanged) {
  EXPECT_NO_THROW(refuse_fixed_changes(found_, Settings(), corpus_));
  EXPECT_TRUE(changed_settings(Settings(), Settings()).empty());
}

TEST_F(ResumeRules, EachFixedSettingIsRefusedWithBothValues) {
  struct Change {
    const char* path;
    const char* before;
    const char* now;
  };
  for (const Change& change : std::initializer_list<Change>{{"model.input", "embedding", "one_hot"},
                                                            {"model.embedding_size", "128", "64"},
                                                            {"model.hidden_size", "512", "256"},
                                                            {"model.layers", "1", "3"},
                                                            {"train.batch_size", "32", "33"},
                                                            {"train.sequence_length", "64", "65"},
                                                            {"train.sampling", "sequential", "random"},
                                                            {"train.random_offset", "true", "false"},
                                                            {"train.optimizer.name", "adam", "sgd"},
                                                            {"run.seed", "1", "2"}}) {
    const Settings now = with({std::string(change.path) + "=" + change.now, "train.log_every=7"});
    EXPECT_THAT(usage_error_of([&] { refuse_fixed_changes(found_, now, corpus_); }),
                AllOf(HasSubstr(concat(change.path, " was ", change.before, ", is ", change.now)),
                      HasSubstr("at step 321"), HasSubstr("run.output"), Not(HasSubstr("log_every"))));
  }
}

TEST_F(ResumeRules, AllDifferencesAreNamedAtOnce) {
  EXPECT_THAT(
      usage_error_of([&] {
        refuse_fixed_changes(found_, with({"run.seed=2", "model.layers=3"}), corpus_of("b", "abcdefghik"));
      }),
      AllOf(HasSubstr("run.seed"), HasSubstr("model.layers"), HasSubstr("the vocabulary had hash")));
}

TEST_F(ResumeRules, AnotherVocabularyOrCorpusIsRefused) {
  EXPECT_THAT(
      usage_error_of([&] { refuse_fixed_changes(found_, Settings(), corpus_of("b", "abcdefghijk")); }),
      AllOf(HasSubstr("the vocabulary had hash"), HasSubstr("(10 characters)"), HasSubstr("(11)")));
  // The same characters in another order.
  EXPECT_THAT(usage_error_of([&] { refuse_fixed_changes(found_, Settings(), corpus_of("c", "bacdefghij")); }),
              AllOf(HasSubstr("the corpus had hash"), Not(HasSubstr("vocabulary had"))));
}

TEST_F(ResumeRules, OtherSettingsMayChangeAndAreListed) {
  const Settings now = with({"train.optimizer.learning_rate=0.001", "model.dropout=0.5", "train.steps=5",
                             "run.threads=3", "train.clip_norm=2"});
  EXPECT_NO_THROW(refuse_fixed_changes(found_, now, corpus_));
  EXPECT_THAT(changed_settings(Settings(), now),
              testing::UnorderedElementsAre("train.optimizer.learning_rate: 0.002 -> 0.001",
                                            "model.dropout: 0 -> 0.5", "train.steps: none -> 5",
                                            "run.threads: auto -> 3", "train.clip_norm: 1 -> 2"));
  EXPECT_THAT(changed_settings(now, with({"train.optimizer.learning_rate=0.001", "model.dropout=0.5",
                                          "train.steps=5", "run.threads=3"})),
              ElementsAre("train.clip_norm: 2 -> 1"));
}

}  // namespace
}  // namespace charrnn
