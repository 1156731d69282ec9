#include "charrnn/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/checkpoint/safetensors.h"
#include "charrnn/config/config_file.h"
#include "some_checkpoint.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

void expect_equal(const std::map<std::string, at::Tensor>& found,
                  const std::map<std::string, at::Tensor>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_TRUE(at::equal(found.at(name), tensor)) << name;
  }
}

TEST(Checkpoint, EverythingComesBack) {
  const TemporaryFolder folder;
  const Checkpoint written = some_checkpoint();
  write_checkpoint(folder / "a.safetensors", written);
  const Checkpoint read = read_checkpoint(folder / "a.safetensors");
  EXPECT_EQ(flatten(read.settings), flatten(written.settings));
  EXPECT_EQ(read.settings.train.optimizer.learning_rate, 0.1 + 0.2);
  EXPECT_EQ(read.vocabulary_json, written.vocabulary_json);
  EXPECT_EQ(read.corpus_hash, written.corpus_hash);
  EXPECT_EQ(read.baselines.unigram_bits, 4.1);
  EXPECT_EQ(read.baselines.bigram_bits, 1.0 / 3.0);
  const Progressed& p = read.progress;
  EXPECT_EQ(p.step, 1234);
  EXPECT_EQ(p.position, (ReadingPosition{2, 3, (uint64_t{1} << 60) + 1}));
  EXPECT_EQ(p.characters, (int64_t{1} << 61) + 1);
  EXPECT_EQ(p.seconds, 0.1);
  EXPECT_EQ(p.window_loss_sum, 1.0 / 7.0);
  EXPECT_EQ(p.window_count, 300);
  EXPECT_EQ(p.last_loss, 1.7);
  EXPECT_EQ(p.best_loss, 1.6);
  EXPECT_EQ(p.skipped_in_a_row, 5);
  EXPECT_EQ(p.skipped, 6);
  EXPECT_EQ(p.metrics_bytes, 77u);
  EXPECT_EQ(p.samples_bytes, 88u);
  expect_equal(read.weights, written.weights);
  ASSERT_EQ(read.moments.size(), 2u);
  expect_equal(read.moments.at("exp_avg"), written.moments.at("exp_avg"));
  expect_equal(read.moments.at("exp_avg_sq"), written.moments.at("exp_avg_sq"));
  EXPECT_TRUE(at::equal(read.state.h, written.state.h));
  EXPECT_TRUE(at::equal(read.state.c, written.state.c));
}

TEST(Checkpoint, TensorNamesAreThoseOfTheDesign) {
  const TemporaryFolder folder;
  write_checkpoint(folder / "a.safetensors", some_checkpoint());
  const SafetensorsFile file = read_safetensors(folder / "a.safetensors");
  for (const char* name :
       {"embedding.weight", "rnn.weight_hh_l1", "head.bias", "optimizer.exp_avg.rnn.weight_hh_l1",
        "optimizer.exp_avg_sq.head.bias", "state.h", "state.c"}) {
    EXPECT_TRUE(file.tensors.contains(name)) << name;
  }
  EXPECT_EQ(file.tensors.size(), 3u * 11 + 2);
}

TEST(Checkpoint, WithoutMomentsAndState) {
  const TemporaryFolder folder;
  Checkpoint written = some_checkpoint();
  written.moments.clear();
  written.state = {};
  write_checkpoint(folder / "a.safetensors", written);
  const Checkpoint read = read_checkpoint(folder / "a.safetensors");
  expect_equal(read.weights, written.weights);
  EXPECT_TRUE(read.moments.empty());
  EXPECT_FALSE(read.state.h.defined());
}

TEST(Checkpoint, MetadataThatLackAFieldOrAreOfAnotherVersion) {
  const std::map<std::string, std::string> good = metadata_of(some_checkpoint());
  EXPECT_NO_THROW(from_metadata(good, "x"));
  for (const char* field :
       {"format_version", "config", "vocabulary", "corpus_hash", "baselines", "progress"}) {
    auto lacking = good;
    lacking.erase(field);
    EXPECT_THAT(error_of([&] { from_metadata(lacking, "the file"); }),
                AllOf(HasSubstr("the file"), HasSubstr("lack")))
        << field;
  }
  const auto changed = [&](const std::string& field, const std::string& text) {
    auto metadata = good;
    metadata[field] = text;
    return error_of([&] { from_metadata(metadata, "the file"); });
  };
  EXPECT_THAT(changed("format_version", "2"), AllOf(HasSubstr("version 2"), HasSubstr("reads 1")));
  EXPECT_THAT(changed("config", "model: {layers: many}"), HasSubstr("a whole number"));
  EXPECT_THAT(changed("progress", "{}"), HasSubstr("the file"));
  EXPECT_THAT(changed("progress", "{"), HasSubstr("the file"));
  EXPECT_THAT(changed("baselines", "[1]"), HasSubstr("the file"));
}

TEST(Checkpoint, FieldsOfEarlierVersionsAreLeftAside) {
  auto metadata = metadata_of(some_checkpoint(77));
  std::string& progress = metadata.at("progress");
  ASSERT_EQ(progress.find("events_bytes"), std::string::npos);
  progress.insert(1, "\"events_bytes\":12,");
  EXPECT_EQ(from_metadata(metadata, "x").progress.step, 77);
}

TEST(Checkpoint, ModelOfHasItsWeightsAndShape) {
  const Checkpoint checkpoint = some_checkpoint();
  const CharRnn model = model_of(checkpoint);
  EXPECT_EQ(model.vocabulary_size(), 11);
  EXPECT_EQ(model.settings().hidden_size, 7);
  for (const auto& parameter : model.parameters().list()) {
    EXPECT_TRUE(at::equal(parameter.value, checkpoint.weights.at(parameter.name))) << parameter.name;
    EXPECT_NE(parameter.value.const_data_ptr(), checkpoint.weights.at(parameter.name).const_data_ptr());
  }
}

TEST(Checkpoint, WeightsThatDoNotFitAreNamed) {
  Checkpoint checkpoint = some_checkpoint();
  checkpoint.weights["head.weight"] = at::zeros({7, 11});
  EXPECT_THAT(error_of([&] { model_of(checkpoint); }),
              AllOf(HasSubstr("head.weight"), HasSubstr("[7, 11]"), HasSubstr("[11, 7]")));
  checkpoint.weights.erase("rnn.bias_hh_l1");
  EXPECT_THAT(error_of([&] { model_of(checkpoint); }), HasSubstr("no weight rnn.bias_hh_l1"));
}

}  // namespace
}  // namespace charrnn
