#include "charrnn/model/sequence.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../error_of.h"
#include "charrnn/model/loss.h"

namespace charrnn {
namespace {

constexpr int64_t kV = 11;

class Sequence : public testing::Test {
 protected:
  Sequence() {
    model_.initialize(3);
    const c10::AutoGradMode no_grad(false);
    for (const auto& [name, value, offset] : model_.parameters().list()) value.detach().mul_(2.0);
    for (uint32_t i = 0; i < 1300; ++i) ids_.push_back(i * i % kV);  // more than is read at once
  }

  // (N, V) in one call, from zero state.
  at::Tensor plain_logits() const {
    const c10::AutoGradMode no_grad(false);
    const std::vector<int64_t> wide(ids_.begin(), ids_.end());
    RnnState state = model_.zero_state(1);
    return model_.forward(at::tensor(wide, at::TensorOptions().dtype(at::kLong)).unsqueeze(0), state,
                          std::nullopt)[0];
  }

  CharRnn model_{{.embedding_size = 5, .hidden_size = 7, .layers = 2, .output_dropout = {}}, kV};
  std::vector<uint32_t> ids_;
};

// 1e-5: matrix products of other sizes add in another order.
TEST_F(Sequence, LogitsAreThoseOfOneCall) {
  const at::Tensor found = sequence_logits(model_, ids_);
  ASSERT_EQ(found.sizes(), at::IntArrayRef({1300, kV}));
  EXPECT_FALSE(found.requires_grad());
  EXPECT_TRUE(at::allclose(found, plain_logits(), 1e-5, 1e-5));
  EXPECT_EQ(sequence_logits(model_, {}).sizes(), at::IntArrayRef({0, kV}));
}

TEST_F(Sequence, SurprisalIsMinusLogOfTheProbabilityOfWhatCame) {
  const std::vector<float> found = sequence_surprisal(model_, ids_);
  ASSERT_EQ(found.size(), ids_.size());
  EXPECT_TRUE(std::isnan(found[0]));
  const at::Tensor p = at::softmax(plain_logits().to(at::kDouble), 1);
  for (size_t i = 1; i < ids_.size(); ++i) {
    const auto probability = p[static_cast<int64_t>(i) - 1][static_cast<int64_t>(ids_[i])].item<double>();
    ASSERT_NEAR(found[i], -std::log(probability), 1e-4) << i;
  }
  EXPECT_TRUE(sequence_surprisal(model_, std::span<const uint32_t>()).empty());
  EXPECT_EQ(sequence_surprisal(model_, std::span(ids_).first(1)).size(), 1u);
}

TEST_F(Sequence, AlignedTargetsArePredictedInPlace) {
  const std::vector<float> following = sequence_surprisal(model_, ids_);
  const std::vector<float> aligned =
      sequence_surprisal(model_, std::span(ids_).first(ids_.size() - 1), std::span(ids_).subspan(1));
  EXPECT_EQ(aligned, std::vector<float>(following.begin() + 1, following.end()));
}

TEST_F(Sequence, IdsOutsideOfTheVocabularyAreRefused) {
  ids_[700] = kV;
  EXPECT_THAT(usage_error_of([&] { sequence_logits(model_, ids_); }),
              testing::HasSubstr("id 11 at place 700"));
  EXPECT_THAT(usage_error_of([&] { sequence_surprisal(model_, ids_); }), testing::HasSubstr("below 11"));
}

TEST_F(Sequence, AStopEndsIt) {
  StopSource source;
  RnnState state = model_.zero_state(1);
  int calls = 0;
  const auto stop_at_once = [&](const at::Tensor&) {
    ++calls;
    source.request_stop();
    return true;
  };
  EXPECT_FALSE(read_sequence(model_, ids_, state, stop_at_once, source.token()));
  EXPECT_EQ(calls, 1);
  const auto stopped = [&](auto call) { return error_of(call, ErrorKind::kStopped); };
  EXPECT_THAT(stopped([&] { sequence_logits(model_, ids_, source.token()); }), testing::HasSubstr("stopped"));
  EXPECT_THAT(stopped([&] { sequence_surprisal(model_, ids_, source.token()); }),
              testing::HasSubstr("stopped"));
}

}  // namespace
}  // namespace charrnn
