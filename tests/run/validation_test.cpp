#include "charrnn/run/validation.h"

#include <gtest/gtest.h>

#include "../temporary_folder.h"
#include "charrnn/corpus/corpus_builder.h"

namespace charrnn {
namespace {

class ValidationOfARun : public testing::Test {
 protected:
  ValidationOfARun() {
    settings_.train.schedule = {.name = ScheduleName::kPlateau, .factor = 0.25, .patience = 0};
    settings_.evaluate.patience = 2;
  }

  // A run with three values, of which the first was the best, and one cut of the learning rate.
  SavedStates saved() const {
    Plateau plateau;
    for (const double loss : {1.5, 1.6}) plateau.add(loss, settings_.train.schedule);
    SavedStates states;
    Validation(settings_, corpus_).save(states);
    states.owners()["validation"]["best_loss"] = 1.5;
    states.owners()["validation"]["values_since_best"] = int64_t{2};
    plateau.save(states);
    return states;
  }

  CorpusFolder some_corpus() const {
    CorpusSettings settings;
    settings.sources = {folder_.write("some.txt", "some text to read").string()};
    settings.output = (folder_ / "corpus").string();
    build_corpus(settings);
    return CorpusFolder::open(folder_ / "corpus");
  }

  TemporaryFolder folder_;
  Settings settings_;
  CorpusFolder corpus_ = some_corpus();
};

TEST_F(ValidationOfARun, BestAndPatienceComeBack) {
  Validation validation(settings_, corpus_);
  EXPECT_FALSE(validation.is_out_of_patience());
  validation.restore(saved());
  EXPECT_EQ(validation.best_loss(), 1.5);
  EXPECT_EQ(validation.values_since_best(), 2);
  EXPECT_TRUE(validation.is_out_of_patience());
  settings_.evaluate.patience = 3;
  EXPECT_FALSE(validation.is_out_of_patience());
}

TEST_F(ValidationOfARun, ARunThatLeavesPlateauLeavesItsCuts) {
  Validation validation(settings_, corpus_);
  EXPECT_EQ(validation.rate_factor(), 1);
  const SavedStates states = saved();
  validation.restore(states);
  EXPECT_EQ(validation.rate_factor(), 0.25);
  settings_.train.schedule = {};
  EXPECT_EQ(validation.rate_factor(), 1);
}

}  // namespace
}  // namespace charrnn
