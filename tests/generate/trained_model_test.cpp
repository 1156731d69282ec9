#include "charrnn/generate/trained_model.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "../checkpoint/some_checkpoint.h"
#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/checkpoint/run_folder.h"

namespace charrnn {
namespace {

using testing::HasSubstr;

class TrainedModels : public testing::Test {
 protected:
  TrainedModels() {
    checkpoint_.settings.corpus.lower_case = true;
    checkpoint_.settings.sample.length = 30;
    checkpoint_.settings.sample.unknown_characters = UnknownCharacters::kSkip;
    for (const auto& [name, weight] : checkpoint_.weights) checkpoint_.average[name] = weight * 0.5;
  }

  // Its vocabulary: <unk> and the letters from a to j.
  TrainedModel open(const ModelOptions& options = {}) {
    const RunFolder run(folder_ / "run");
    if (run.steps().empty()) run.save(checkpoint_, /*is_best=*/true, /*keep=*/1);
    return TrainedModel::open(run.path(), options);
  }

  TemporaryFolder folder_;
  Checkpoint checkpoint_ = some_checkpoint();
};

TEST_F(TrainedModels, OpensAFolderOrAFile) {
  const TrainedModel of_folder = open();
  EXPECT_EQ(of_folder.step(), 1234);
  EXPECT_EQ(of_folder.vocabulary().size(), 11u);
  EXPECT_EQ(of_folder.settings().run.seed, 99);
  EXPECT_FALSE(of_folder.has_targets());
  const TrainedModel of_file = TrainedModel::open(of_folder.file());
  EXPECT_EQ(of_file.continue_text("abc"), of_folder.continue_text("abc"));
  EXPECT_THAT(usage_error_of([&] { TrainedModel::open(folder_ / "none"); }), HasSubstr("does not exist"));
}

TEST_F(TrainedModels, TakesTheWeightsThatTheRunSamplesWith) {
  const auto first_weight = [](const TrainedModel& model) {
    return model.model().parameters()["head.weight"].detach()[0][0].item<float>();
  };
  const float last = first_weight(open());
  EXPECT_EQ(first_weight(open({.weights = WeightsUsed::kAverage})), last / 2);
  checkpoint_.settings.train.average_decay = 0.9;
  checkpoint_.settings.sample.weights = WeightsUsed::kAverage;
  write_checkpoint(folder_ / "other.safetensors", checkpoint_);
  EXPECT_EQ(first_weight(TrainedModel::open(folder_ / "other.safetensors")), last / 2);
}

TEST_F(TrainedModels, ContinuesACleanedPrefix) {
  const TrainedModel model = open();
  EXPECT_EQ(model.clean("ABC").text, "abc");
  EXPECT_THAT(model.clean("ABC").changed_by, testing::ElementsAre("lower_case"));
  const std::string text = model.continue_text("ABC", {.seed = 5});
  EXPECT_EQ(text.size(), 30u);  // sample.length
  EXPECT_EQ(model.continue_text("abc", {.seed = 5}), text);
  EXPECT_EQ(model.continue_text("a?bc", {.seed = 5, .unknown = UnknownCharacters::kSkip}).size(), 30u);
  EXPECT_NE(model.continue_text("abc", {.seed = 6}), text);
  EXPECT_NE(model.continue_text("abc", {.seed = 5, .number = 1}), text);
  EXPECT_EQ(model.continue_text("abc", {.length = 7, .seed = 5}), text.substr(0, 7));
  EXPECT_THAT(usage_error_of([&] { model.continue_text("a?", {.unknown = UnknownCharacters::kError}); }),
              HasSubstr("?"));
}

TEST_F(TrainedModels, ASamplerWithTheSameOptionsGivesTheSameText) {
  const TrainedModel model = open();
  const Sampler sampler = model.new_sampler();
  const ContinueOptions options{.length = 20, .temperature = 0.5, .top_k = 3, .top_p = 0.9, .seed = 8};
  EXPECT_EQ(sampler.text("abc", 20, model.sample_options("abc", options)),
            model.continue_text("abc", options));
  EXPECT_EQ(model.sample_options("abc", {}).temperature, 1);
}

TEST_F(TrainedModels, TheCallerOrAStopEndsAText) {
  const TrainedModel model = open();
  const std::string whole = model.continue_text("abc");
  std::string seen;
  ContinueOptions options;
  options.on_character = [&](const std::string& character) {
    seen += character;
    return seen.size() < 4;
  };
  EXPECT_EQ(model.continue_text("abc", options), whole.substr(0, 4));
  EXPECT_EQ(seen, whole.substr(0, 4));
  StopSource source;
  options.stop = source.token();
  options.on_character = [&](const std::string&) {
    source.request_stop();
    return true;
  };
  EXPECT_EQ(model.continue_text("abc", options), whole.substr(0, 1));
  EXPECT_EQ(model.continue_text("abc", options), "");
}

TEST_F(TrainedModels, WithTargetsTheTextIsWhatThePrefixIsMappedTo) {
  checkpoint_.has_targets = true;
  const TrainedModel model = open();
  EXPECT_EQ(model.sample_options("abc", {}).temperature, 0);
  EXPECT_EQ(model.continue_text("abcde", {.length = 2}).size(), 5u);
  EXPECT_THAT(usage_error_of([&] { model.surprisal("abc"); }), HasSubstr("aligned targets"));
}

TEST_F(TrainedModels, SurprisalAndLogitsAgree) {
  const TrainedModel model = open();
  const std::string text = "abcdefghij?a";
  const std::vector<uint32_t> ids = model.ids(text);
  ASSERT_EQ(ids.size(), 12u);
  EXPECT_EQ(ids[10], 0u);  // <unk>
  const at::Tensor p = at::softmax(model.logits(ids), 1);
  const std::vector<float> nats = model.surprisal(text);
  ASSERT_EQ(nats.size(), 12u);
  EXPECT_TRUE(std::isnan(nats[0]));
  for (int64_t i = 1; i < 12; ++i) {
    const auto id = static_cast<int64_t>(ids[static_cast<size_t>(i)]);
    EXPECT_NEAR(nats[static_cast<size_t>(i)], -std::log(p[i - 1][id].item<double>()), 1e-5);
  }
}

TEST_F(TrainedModels, ThreadsMayShareIt) {
  const TrainedModel model = open();
  const std::string expected = open().continue_text("abc", {.length = 100});
  std::vector<std::string> texts(4);
  {
    std::vector<std::jthread> threads;
    for (std::string& text : texts)
      threads.emplace_back([&text, model] { text = model.continue_text("abc", {.length = 100}); });
  }
  EXPECT_THAT(texts, testing::Each(expected));
}

}  // namespace
}  // namespace charrnn
