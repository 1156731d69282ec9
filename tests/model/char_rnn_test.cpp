#include "charrnn/model/char_rnn.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "../error_of.h"
#include "../gathered_gradients.h"
#include "charrnn/model/loss.h"
#include "small_model.h"

namespace charrnn {
namespace {

using Row = std::vector<double>;

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

// Weights (R, C) times a column, plus the bias, if any.
Row product(const at::Tensor& weights, const Row& column, const at::Tensor& bias) {
  const at::Tensor values = weights.detach();
  const at::Tensor offsets = bias.detach();
  const auto w = values.accessor<double, 2>();
  const auto b = offsets.accessor<double, 1>();
  Row result;
  for (int64_t row = 0; row < w.size(0); ++row) {
    double sum = b[row];
    for (int64_t i = 0; i < w.size(1); ++i) sum += w[row][i] * column[static_cast<size_t>(i)];
    result.push_back(sum);
  }
  return result;
}

// One lane of an LSTM by the formulas of Hochreiter and Schmidhuber, with forget gates (Gers 2000), in
// PyTorch's order of gates: i, f, g, o. Updates h and c of each layer; returns the logits.
Row plain_step(const CharRnn& model, int64_t id, std::vector<Row>& h, std::vector<Row>& c) {
  const Parameters& p = model.parameters();
  Row x;
  if (model.settings().input == InputLayer::kEmbedding) {
    for (int64_t i = 0; i < kE; ++i) x.push_back(p["embedding.weight"][id][i].item<double>());
  } else {
    x.assign(static_cast<size_t>(kV), 0.0);
    x[static_cast<size_t>(id)] = 1.0;
  }
  for (size_t layer = 0; layer < h.size(); ++layer) {
    const std::string end = "_l" + std::to_string(layer);
    const Row from_input = product(p["rnn.weight_ih" + end], x, p["rnn.bias_ih" + end]);
    const Row from_state = product(p["rnn.weight_hh" + end], h[layer], p["rnn.bias_hh" + end]);
    for (size_t unit = 0; unit < static_cast<size_t>(kH); ++unit) {
      const auto gate = [&](size_t number) {
        const size_t place = number * static_cast<size_t>(kH) + unit;
        return from_input[place] + from_state[place];
      };
      c[layer][unit] = sigmoid(gate(1)) * c[layer][unit] + sigmoid(gate(0)) * std::tanh(gate(2));
      h[layer][unit] = sigmoid(gate(3)) * std::tanh(c[layer][unit]);
    }
    x = h[layer];
  }
  return product(p["head.weight"], x, p["head.bias"]);
}

std::vector<Row> rows_of(const at::Tensor& state, int64_t lane) {
  std::vector<Row> rows;
  for (int64_t layer = 0; layer < state.size(0); ++layer) {
    rows.emplace_back();
    for (int64_t unit = 0; unit < kH; ++unit) rows.back().push_back(state[layer][lane][unit].item<double>());
  }
  return rows;
}

// Double precision on both sides and sums of at most 11 numbers near 1: only rounding differs.
constexpr double kRounding = 1e-13;

class Forward : public testing::TestWithParam<std::tuple<InputLayer, int64_t>> {
 protected:
  ModelSettings settings_ = small_settings(std::get<0>(GetParam()), std::get<1>(GetParam()));
  CharRnn model_ = small_model(settings_);
};

TEST_P(Forward, EqualsAPlainLstm) {
  const at::Tensor ids = some_ids(kB, kT);
  const RnnState start = some_state(settings_, kB);
  RnnState state = start;
  const at::Tensor logits = model_.forward(ids, state, std::nullopt);
  ASSERT_EQ(logits.sizes(), at::IntArrayRef({kB, kT, kV}));
  ASSERT_EQ(state.h.sizes(), at::IntArrayRef({settings_.layers, kB, kH}));
  for (int64_t lane = 0; lane < kB; ++lane) {
    std::vector<Row> h = rows_of(start.h, lane);
    std::vector<Row> c = rows_of(start.c, lane);
    for (int64_t t = 0; t < kT; ++t) {
      const Row expected = plain_step(model_, ids[lane][t].item<int64_t>(), h, c);
      for (int64_t v = 0; v < kV; ++v) {
        EXPECT_NEAR(logits[lane][t][v].item<double>(), expected[static_cast<size_t>(v)], kRounding)
            << "lane " << lane << ", t " << t << ", v " << v;
      }
    }
    const std::vector<Row> last_h = rows_of(state.h, lane);
    const std::vector<Row> last_c = rows_of(state.c, lane);
    for (size_t layer = 0; layer < h.size(); ++layer) {
      EXPECT_THAT(last_h[layer], testing::Pointwise(testing::DoubleNear(kRounding), h[layer]));
      EXPECT_THAT(last_c[layer], testing::Pointwise(testing::DoubleNear(kRounding), c[layer]));
    }
  }
}

TEST_P(Forward, TwoCallsWithCarriedStateEqualOneLongCall) {
  const at::Tensor ids = some_ids(kB, 2 * kT + 1);
  RnnState whole = some_state(settings_, kB);
  RnnState state = whole;
  const at::Tensor expected = model_.forward(ids, whole, std::nullopt);
  const at::Tensor first = model_.forward(ids.narrow(1, 0, kT), state, std::nullopt);
  const at::Tensor second = model_.forward(ids.narrow(1, kT, kT + 1), state, std::nullopt);
  EXPECT_LT(largest_difference(at::cat({first, second}, 1), expected), kRounding);
  EXPECT_LT(largest_difference(state.h, whole.h), kRounding);
  EXPECT_LT(largest_difference(state.c, whole.c), kRounding);
}

TEST_P(Forward, CharacterByCharacterWithoutGradientsIsTheSameFunction) {
  const at::Tensor ids = some_ids(kB, kT);
  RnnState whole = some_state(settings_, kB);
  RnnState state = whole;
  const at::Tensor expected = model_.forward(ids, whole, std::nullopt);
  const c10::AutoGradMode no_grad(false);
  for (int64_t t = 0; t < kT; ++t) {
    const at::Tensor logits = model_.forward(ids.narrow(1, t, 1), state, std::nullopt);
    ASSERT_EQ(logits.sizes(), at::IntArrayRef({kB, 1, kV}));
    EXPECT_LT(largest_difference(logits.select(1, 0), expected.select(1, t)), kRounding) << t;
  }
  EXPECT_LT(largest_difference(state.h, whole.h), kRounding);
  EXPECT_LT(largest_difference(state.c, whole.c), kRounding);
}

// For floats LibTorch uses other code (oneDNN). 2e-6: a few dozen float roundings of 6e-8 on logits below 2.
TEST_P(Forward, FloatsAreNearDoubles) {
  CharRnn floats(settings_, kV, at::kFloat);
  const c10::AutoGradMode no_grad(false);
  floats.parameters().values().detach().copy_(model_.parameters().values());
  const at::Tensor ids = some_ids(kB, kT);
  for (const bool training : {false, true}) {
    const c10::AutoGradMode mode(training);
    RnnState state = some_state(settings_, kB);
    RnnState float_state = some_state(settings_, kB, at::kFloat);
    const at::Tensor expected = model_.forward(ids, state, std::nullopt);
    const at::Tensor logits = floats.forward(ids, float_state, std::nullopt);
    EXPECT_EQ(logits.scalar_type(), at::kFloat);
    EXPECT_LT(largest_difference(logits, expected), 2e-6);
    EXPECT_LT(largest_difference(float_state.c, state.c), 2e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Forward,
                         testing::Combine(testing::Values(InputLayer::kEmbedding, InputLayer::kOneHot),
                                          testing::Values(1, 2)),
                         [](const auto& kind) {
                           return std::string(enum_name(std::get<0>(kind.param))) +
                                  std::to_string(std::get<1>(kind.param));
                         });

TEST(CharRnn, LanesDoNotTouchEachOther) {
  const ModelSettings settings = small_settings();
  const CharRnn model = small_model(settings);
  RnnState state = some_state(settings, kB);
  RnnState changed = some_state(settings, kB);
  const at::Tensor ids = some_ids(kB, kT);
  at::Tensor other_ids = ids.clone();
  other_ids[0][0] = (ids[0][0] + 1).remainder(kV);
  const at::Tensor logits = model.forward(ids, state, std::nullopt);
  const at::Tensor others = model.forward(other_ids, changed, std::nullopt);
  EXPECT_GT(largest_difference(logits[0], others[0]), 1e-3);
  EXPECT_TRUE(at::equal(logits[1], others[1]));
}

TEST(CharRnn, ZeroState) {
  const CharRnn model = small_model(small_settings(), at::kFloat);
  RnnState state = model.zero_state(4);
  EXPECT_EQ(state.h.sizes(), at::IntArrayRef({2, 4, kH}));
  EXPECT_EQ(state.c.scalar_type(), at::kFloat);
  EXPECT_EQ(state.h.count_nonzero().item<int64_t>() + state.c.count_nonzero().item<int64_t>(), 0);
  state.h.fill_(1);
  EXPECT_EQ(state.c.count_nonzero().item<int64_t>(), 0) << "h and c share memory";
}

TEST(CharRnn, ParameterCountByHand) {
  // V E + 4H (E + H + 2) + 4H (H + H + 2) + V H + V
  EXPECT_EQ(CharRnn::parameter_count(small_settings(), kV), 55 + 28 * 14 + 28 * 16 + 77 + 11);
  EXPECT_EQ(CharRnn::parameter_count(small_settings(InputLayer::kOneHot, 1), kV), 28 * 20 + 77 + 11);
  EXPECT_EQ(small_model(small_settings()).parameters().count(), 983);
}

// Sampling uses other code for each cell: one character, no gradients.
TEST(CharRnnCells, OneCharacterAtATimeIsTheSame) {
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh, Cell::kRnnRelu}) {
    ModelSettings settings = small_settings();
    settings.cell = cell;
    const CharRnn model = small_model(settings);
    const at::Tensor ids = some_ids(kB, kT);
    RnnState whole = model.zero_state(kB);
    const at::Tensor logits = model.forward(ids, whole, std::nullopt);
    EXPECT_EQ(whole.c.defined(), cell == Cell::kLstm);
    const c10::AutoGradMode no_grad(false);
    RnnState state = model.zero_state(kB);
    for (int64_t t = 0; t < kT; ++t) {
      const at::Tensor one = model.forward(ids.narrow(1, t, 1), state, std::nullopt);
      EXPECT_LT(largest_difference(one, logits.narrow(1, t, 1)), 1e-12) << enum_name(cell);
    }
    EXPECT_LT(largest_difference(state.h, whole.h), 1e-12) << enum_name(cell);
  }
}

// H = 2, V = 3, one-hot: h = tanh(w_ih[:, id] + b_ih + W_hh h + b_hh), by hand for two characters.
TEST(CharRnnCells, PlainRnnByHand) {
  const ModelSettings settings{.cell = Cell::kRnnTanh,
                               .input = InputLayer::kOneHot,
                               .hidden_size = 2,
                               .layers = 1,
                               .output_dropout = {}};
  CharRnn model(settings, 3, at::kDouble);
  const auto set = [&](const char* name, const std::vector<double>& values) {
    const at::Tensor weight = model.parameters()[name].detach();
    weight.copy_(at::tensor(values, at::kDouble).view(weight.sizes()));
  };
  set("rnn.weight_ih_l0", {0.1, 0.2, 0.3, -0.1, -0.2, -0.3});
  set("rnn.weight_hh_l0", {0.5, 0.25, -0.5, 1});
  set("rnn.bias_ih_l0", {0.01, 0.02});
  set("rnn.bias_hh_l0", {0.03, 0.04});
  set("head.weight", {1, 0, 0, 1, 1, 1});
  set("head.bias", {0, 0, 0.5});
  RnnState state = model.zero_state(1);
  const at::Tensor logits = model.forward(at::tensor({2, 0}, at::kLong).view({1, 2}), state, std::nullopt);
  const double a = std::tanh(0.3 + 0.04);
  const double b = std::tanh(-0.3 + 0.06);
  const double c = std::tanh(0.1 + 0.04 + 0.5 * a + 0.25 * b);
  const double d = std::tanh(-0.1 + 0.06 - 0.5 * a + b);
  const at::Tensor expected = at::tensor({a, b, a + b + 0.5, c, d, c + d + 0.5}, at::kDouble).view({1, 2, 3});
  EXPECT_LT(largest_difference(logits, expected), 1e-15);
}

TEST(CharRnnHeads, NoHeadTakesTheOutputAsLogits) {
  ModelSettings settings = small_settings();
  settings.head = Head::kNone;
  settings.hidden_size = kV;
  const CharRnn model = small_model(settings);
  RnnState state = model.zero_state(kB);
  const at::Tensor logits = model.forward(some_ids(kB, kT), state, std::nullopt);
  EXPECT_LT(largest_difference(logits.select(1, kT - 1), state.h[1]), 1e-15);
  settings.hidden_size = kH;
  EXPECT_THAT(usage_error_of([&] { CharRnn(settings, kV); }),
              testing::HasSubstr("must be the 11 characters"));
}

TEST(CharRnnHeads, TiedWeightsAreTheEmbeddings) {
  ModelSettings settings = small_settings();
  settings.embedding_size = kH;
  const int64_t untied = CharRnn::parameter_count(settings, kV);
  settings.tied_weights = true;
  EXPECT_EQ(CharRnn::parameter_count(settings, kV), untied - kV * kH);
  CharRnn model = small_model(settings);
  RnnState state = model.zero_state(kB);
  const at::Tensor logits = model.forward(some_ids(kB, kT), state, std::nullopt);
  const at::Tensor expected =
      at::linear(state.h[1], model.parameters()["embedding.weight"], model.parameters()["head.bias"]);
  EXPECT_LT(largest_difference(logits.select(1, kT - 1), expected), 1e-15);
}

// The loss and its gradients through head and layers, in floats by our own kernels, against those from the
// logits in double; also for the last position alone.
TEST(CharRnnHeads, LossIsThatOfTheLogits) {
  for (const bool is_tied : {false, true}) {
    for (const int64_t positions : {kT, int64_t{1}}) {
      ModelSettings settings = small_settings();
      settings.embedding_size = kH;
      settings.tied_weights = is_tied;
      const CharRnn exact = small_model(settings);
      const CharRnn model = small_model(settings, at::kFloat);
      model.parameters().values().copy_(exact.parameters().values());
      const at::Tensor ids = some_ids(kB, kT);
      const at::Tensor targets = some_ids(kB, kT, 5).narrow(1, kT - positions, positions);
      RnnState state = exact.zero_state(kB);
      const at::Tensor expected = cross_entropy_sum(
          exact.forward(ids, state, std::nullopt).narrow(1, kT - positions, positions), targets);
      expected.backward();
      RnnState floats = model.zero_state(kB);
      const at::Tensor x = model.outputs(ids, floats, std::nullopt).narrow(1, kT - positions, positions);
      const at::Tensor loss = model.loss_sum(x, targets);
      loss.backward();
      EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5);
      EXPECT_LT(
          largest_difference(gathered_gradients(model.parameters()), gathered_gradients(exact.parameters())),
          1e-5)
          << is_tied << positions;
    }
  }
}

TEST(CharRnnWeights, NormalOnesAreDrawnWithTheirScale) {
  ModelSettings settings = small_settings();
  settings.cell = Cell::kGru;
  settings.hidden_size = 64;
  settings.initial_weights = InitialWeights::kNormal;
  settings.initial_scale = 0.05;
  const CharRnn model = small_model(settings);
  for (const Parameters::Parameter& parameter : model.parameters().list()) {
    if (parameter.value.dim() == 1) {
      EXPECT_EQ(parameter.value.count_nonzero().item<int64_t>(), 0) << parameter.name;
    } else if (parameter.value.numel() > 10000) {  // 12,288: the deviation is known to 0.7 %
      EXPECT_NEAR(parameter.value.std().item<double>(), 0.05, 0.002) << parameter.name;
      EXPECT_NEAR(parameter.value.mean().item<double>(), 0, 0.002) << parameter.name;
    }
  }
}

}  // namespace
}  // namespace charrnn
