#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include "../gathered_gradients.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/model/loss.h"
#include "small_model.h"

namespace charrnn {
namespace {

// The loss of a batch from a given state, with dropout after both layers and one position that does not
// count.
at::Tensor loss_of(const CharRnn& model) {
  RnnState state = some_state(model.settings(), kB, model.parameters().values().scalar_type());
  at::Tensor targets = some_ids(kB, kT, 5);
  targets[1][0] = kNoTarget;
  const DropoutKey key{.seed = 12, .step = 8, .first_lane = 3};
  return cross_entropy_sum(model.forward(some_ids(kB, kT), state, key), targets);
}

ModelSettings with_dropout(InputLayer input) {
  ModelSettings settings = small_settings(input);
  settings.dropout = 0.3;
  settings.output_dropout = 0.2;
  return settings;
}

class Gradients : public testing::TestWithParam<InputLayer> {};

// The error of central differences is epsilon^2 times the third derivative, 1e-10 here, and that of rounding,
// 1e-15 * loss / epsilon.
TEST_P(Gradients, OfEveryWeightEqualCentralDifferences) {
  CharRnn model = small_model(with_dropout(GetParam()));
  loss_of(model).backward();
  const at::Tensor gradients = gathered_gradients(model.parameters()).clone();
  EXPECT_GT(gradients.abs().max().item<double>(), 0.1) << "nothing to compare";

  const c10::AutoGradMode no_grad(false);
  constexpr double epsilon = 1e-5;
  for (const Parameters::Parameter& parameter : model.parameters().list()) {
    for (int64_t i = 0; i < parameter.value.numel(); ++i) {
      auto* value = model.parameters().values().mutable_data_ptr<double>() + parameter.offset + i;
      const double before = *value;
      *value = before + epsilon;
      const double above = loss_of(model).item<double>();
      *value = before - epsilon;
      const double below = loss_of(model).item<double>();
      *value = before;
      EXPECT_NEAR(gradients[parameter.offset + i].item<double>(), (above - below) / (2 * epsilon), 1e-8)
          << parameter.name << " element " << i;
    }
  }
}

// For floats LibTorch uses other code (oneDNN). 1e-5: float rounding of gradients of up to about 3.
TEST_P(Gradients, OfFloatsAreNearThoseOfDoubles) {
  CharRnn doubles = small_model(with_dropout(GetParam()));
  CharRnn floats(doubles.settings(), kV, at::kFloat);
  {
    const c10::AutoGradMode no_grad(false);
    floats.parameters().values().detach().copy_(doubles.parameters().values());
  }
  const at::Tensor double_loss = loss_of(doubles);
  const at::Tensor float_loss = loss_of(floats);
  EXPECT_NEAR(float_loss.item<double>(), double_loss.item<double>(), 1e-5);
  double_loss.backward();
  float_loss.backward();
  EXPECT_LT(
      largest_difference(gathered_gradients(floats.parameters()), gathered_gradients(doubles.parameters())),
      1e-5);
}

INSTANTIATE_TEST_SUITE_P(Inputs, Gradients, testing::Values(InputLayer::kEmbedding, InputLayer::kOneHot),
                         [](const auto& kind) { return std::string(enum_name(kind.param)); });

TEST(Gradients, DropoutIsOffWithoutAKeyAndForProbabilityZero) {
  const CharRnn dropping = small_model(with_dropout(InputLayer::kEmbedding));
  const CharRnn keeping = small_model(small_settings());  // the same weights
  const auto logits = [](const CharRnn& model, const std::optional<DropoutKey>& key) {
    RnnState state = some_state(model.settings(), kB);
    return model.forward(some_ids(kB, kT), state, key);
  };
  const DropoutKey key{.seed = 12, .step = 8, .first_lane = 3};
  EXPECT_TRUE(at::equal(logits(dropping, std::nullopt), logits(keeping, std::nullopt)));
  EXPECT_TRUE(at::equal(logits(keeping, key), logits(keeping, std::nullopt)));
  EXPECT_GT(largest_difference(logits(dropping, key), logits(dropping, std::nullopt)), 1e-2);
}

TEST(Gradients, OutputDropoutIsOfTheLastLayerAlone) {
  ModelSettings settings = small_settings();
  settings.dropout = 0.5;
  settings.output_dropout = 0.0;
  const CharRnn dropping = small_model(settings);
  const CharRnn keeping = small_model(small_settings());
  const DropoutKey key{.seed = 1, .step = 2};
  RnnState state = some_state(settings, kB);
  RnnState expected = some_state(settings, kB);
  dropping.forward(some_ids(kB, kT), state, key);
  keeping.forward(some_ids(kB, kT), expected, std::nullopt);
  EXPECT_TRUE(at::equal(state.h[0], expected.h[0])) << "the first layer has no dropout";
  EXPECT_GT(largest_difference(state.h[1], expected.h[1]), 1e-3);

  settings.layers = 1;
  settings.dropout = 0.5;
  const CharRnn one_dropping = small_model(settings);
  const CharRnn one_keeping = small_model(small_settings(InputLayer::kEmbedding, 1));
  RnnState a = some_state(settings, kB);
  RnnState b = some_state(settings, kB);
  EXPECT_TRUE(at::equal(one_dropping.forward(some_ids(kB, kT), a, key),
                        one_keeping.forward(some_ids(kB, kT), b, std::nullopt)));
}

}  // namespace
}  // namespace charrnn
