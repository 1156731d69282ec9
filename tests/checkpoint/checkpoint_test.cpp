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
  EXPECT_EQ(read.step, 1234);
  EXPECT_TRUE(read.is_good);
  const auto state = read.saved.get<SomeState>("some");
  EXPECT_TRUE(state.flag);
  EXPECT_EQ(state.negative, -(int64_t{1} << 61) - 1);
  EXPECT_EQ(state.large, (uint64_t{1} << 63) + 1);
  EXPECT_EQ(state.fraction, 1.0 / 7.0);
  EXPECT_EQ(state.whole, 300);
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
  for (const char* field : {"format_version", "config", "vocabulary", "corpus_hash", "targets", "baselines",
                            "step", "good", "saved"}) {
    auto lacking = good;
    lacking.erase(field);
    EXPECT_THAT(error_of([&] { from_metadata(lacking, "the file"); }),
                AllOf(HasSubstr("the file"), HasSubstr(concat("no field \"", field, "\""))))
        << field;
  }
  const auto changed = [&](const std::string& field, const std::string& text) {
    auto metadata = good;
    metadata[field] = text;
    return error_of([&] { from_metadata(metadata, "the file"); });
  };
  EXPECT_THAT(changed("format_version", "3"), AllOf(HasSubstr("version 3"), HasSubstr("reads 2")));
  EXPECT_THAT(changed("config", "model: {layers: many}"), HasSubstr("a whole number"));
  EXPECT_THAT(changed("saved", "{\"some\":{\"flag\":\"yes\"}}"), HasSubstr("the file"));
  EXPECT_THAT(changed("saved", "{"), HasSubstr("the file"));
  EXPECT_THAT(changed("step", "many"), HasSubstr("the file"));
  EXPECT_THAT(changed("baselines", "[1]"), HasSubstr("the file"));
}

TEST(Checkpoint, NumbersThatAreMissingOrOfAnotherKindAreNamed) {
  const auto problem_with = [](const std::string& field, const SavedStates::Value& value) {
    SavedStates saved;
    saved.put("some", SomeState{});
    saved.owners()["some"][field] = value;
    return error_of([&] { saved.get<SomeState>("some"); });
  };
  EXPECT_THAT(problem_with("negative", 0.5), AllOf(HasSubstr("'negative'"), HasSubstr("'some'")));
  EXPECT_THAT(problem_with("negative", uint64_t{1} << 63), HasSubstr("'negative'"));
  EXPECT_THAT(problem_with("large", int64_t{-1}), HasSubstr("'large'"));
  EXPECT_THAT(problem_with("flag", int64_t{1}), HasSubstr("'flag'"));
  EXPECT_THAT(problem_with("whole", true), HasSubstr("'whole'"));
  SavedStates saved;
  EXPECT_THAT(error_of([&] { saved.get<SomeState>("some"); }), HasSubstr("no state of 'some'"));
  saved.put("some", SomeState{});
  saved.owners()["some"].erase("flag");
  EXPECT_THAT(error_of([&] { saved.get<SomeState>("some"); }), HasSubstr("no 'flag' of 'some'"));
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
