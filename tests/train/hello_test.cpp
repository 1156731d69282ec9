// The tutorial hello -> ohlol with a thousand seeds: predictions are right as often, and losses as low, as
// with PyTorch's sixty. (From PyTorch's own weights: tests/end_to_end/tutorials_test.py.)
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../temporary_folder.h"
#include "charrnn/comm/solo.h"
#include "charrnn/config/config_file.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/generate/sampler.h"
#include "charrnn/train/trainer.h"

namespace charrnn {
namespace {

constexpr int kSeeds = 1000;
constexpr int kEpochs = 15;

struct Outcome {
  double right = 0;        // share of the seeds that predict "ohlol" in epoch 15
  double median_loss = 0;  // nats per character in epoch 15
};

class Hello : public testing::Test {
 protected:
  // A model of a few dozen numbers: a second thread would only cause waits.
  void SetUp() override { at::set_num_threads(1); }
  void TearDown() override { at::set_num_threads(threads_); }

  // In epoch 15 both as in PyTorch: before the update.
  Outcome train_all(const std::string& recipe) {
    const std::string root = CHARRNN_SOURCE_DIR;
    Settings settings = read_config(root + "/configs/tutorials/" + recipe).settings;
    settings.corpus.output = (folder_ / "corpus").string();
    for (SourceSettings& source : settings.corpus.sources) source.path = root + "/" + source.path;
    settings.corpus.targets = root + "/" + settings.corpus.targets;
    build_corpus(settings.corpus);
    const CorpusFolder corpus = CorpusFolder::open(settings.corpus.output);
    Outcome outcome;
    std::vector<double> losses;
    for (int seed = 1; seed <= kSeeds; ++seed) {
      settings.run.seed = seed;
      CharRnn model(settings.model, static_cast<int64_t>(corpus.vocabulary().size()));
      model.initialize(static_cast<uint64_t>(seed));
      const std::unique_ptr<Communicator> comm = make_solo_communicator();
      Trainer trainer(settings, kEpochs, model, *comm, corpus.require_split("train"));
      for (int epoch = 1; epoch < kEpochs; ++epoch) trainer.step();
      trainer.settle();
      const Sampler sampler(model, corpus.vocabulary(), corpus.has_targets());
      outcome.right += sampler.text("hello", 1, {.temperature = 0}) == "ohlol" ? 1.0 / kSeeds : 0;
      const double before = trainer.progress().window_loss_sum;
      trainer.step();
      trainer.settle();
      losses.push_back((trainer.progress().window_loss_sum - before) / 5);
    }
    std::nth_element(losses.begin(), losses.begin() + kSeeds / 2, losses.end());
    outcome.median_loss = losses[kSeeds / 2];
    RecordProperty("right", std::to_string(outcome.right));
    RecordProperty("median_loss", std::to_string(outcome.median_loss));
    return outcome;
  }

  TemporaryFolder folder_;
  int threads_ = at::get_num_threads();
};

TEST_F(Hello, OneHotIsAsOftenRightAsInPyTorch) {
  const Outcome outcome = train_all("hello_one_hot.yaml");
  EXPECT_NEAR(outcome.right, 0.67, 0.05);
  EXPECT_NEAR(outcome.median_loss, 0.49, 0.15 * 0.49);
  EXPECT_NEAR(5 * outcome.median_loss, 2.46, 0.15 * 2.46) << "the cell stepped by hand adds up its losses";
}

TEST_F(Hello, TwoLayersAndAnEmbeddingAreAlwaysRight) {
  const Outcome outcome = train_all("hello_embedding.yaml");
  EXPECT_GE(outcome.right, 0.95);
  EXPECT_NEAR(outcome.median_loss, 0.018, 0.15 * 0.018);
}

}  // namespace
}  // namespace charrnn
