// charrnn's own recurrent layers against LibTorch's, in doubles to separate errors from rounding.
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <random>

#include "../error_of.h"
#include "../gathered_gradients.h"
#include "charrnn/model/char_rnn.h"
#include "small_model.h"

namespace charrnn {
namespace {

struct Sizes {
  Cell cell;
  InputLayer input;
  int64_t B, T, E, H, L, V;
  bool tied = false;
};

ModelSettings settings_of(const Sizes& s, Kernel kernel) {
  return {.cell = s.cell,
          .input = s.input,
          .embedding_size = s.E,
          .hidden_size = s.H,
          .layers = s.L,
          .dropout = 0.25,
          .output_dropout = {},
          .tied_weights = s.tied,
          .kernel = kernel};
}

std::string text_of(const Sizes& s) {
  return concat(enum_name(s.cell), " ", enum_name(s.input), s.tied ? " tied" : "", " B ", s.B, " T ", s.T,
                " E ", s.E, " H ", s.H, " L ", s.L, " V ", s.V);
}

struct Result {
  at::Tensor logits;
  RnnState state;
  at::Tensor gradients;  // of the weights
  RnnState first;        // with gradients
};

// A loss that reaches the logits, the last state and, through it, the first state.
Result run(const CharRnn& model, const at::Tensor& ids) {
  const at::ScalarType type = model.parameters().values().scalar_type();
  const ModelSettings& s = model.settings();
  const auto leaf = [&](double shift) {
    return some_numbers({s.layers, ids.size(0), s.hidden_size}, shift, type).requires_grad_(true);
  };
  RnnState first = s.cell == Cell::kLstm ? RnnState{leaf(0.3), leaf(1.1)} : RnnState{leaf(0.3), {}};
  RnnState state = first;
  const at::Tensor logits = model.forward(ids, state, DropoutKey{.seed = 5, .step = 2});
  at::Tensor loss = (logits * some_numbers(logits.sizes(), 0.7, type)).sum();
  for (const auto& [name, part] : state.parts()) {
    loss = loss + (part * some_numbers(part.sizes(), 0.9, type)).sum();
  }
  loss.backward();
  return {logits, state, gathered_gradients(model.parameters()).clone(), first};
}

// Largest difference divided by the largest of the numbers (or `scale`), because even small results are sums
// of large numbers.
double relative_difference(const at::Tensor& a, const at::Tensor& b, double scale = 1e-30) {
  return largest_difference(a, b) / std::max(scale, b.detach().to(at::kDouble).abs().max().item<double>());
}

// Both kernels with the same weights, and LibTorch's in doubles too. Bounds are the errors of floats over the
// longest of these sums. A bias's gradient is a sum over all positions that may nearly cancel.
void expect_same(const Sizes& sizes) {
  SCOPED_TRACE(text_of(sizes));
  CharRnn fast(settings_of(sizes, Kernel::kFast), sizes.V);
  CharRnn doubles(settings_of(sizes, Kernel::kReference), sizes.V, at::kDouble);
  fast.initialize(7);
  {
    const c10::AutoGradMode no_grad(false);
    doubles.parameters().values().detach().copy_(fast.parameters().values());
  }
  const at::Tensor ids = some_ids(sizes.B, sizes.T).remainder(sizes.V);
  const Result exact = run(doubles, ids);
  const Result found = run(fast, ids);
  EXPECT_LT(relative_difference(found.logits, exact.logits), 1e-6);
  for (size_t i = 0; i < found.state.parts().size(); ++i) {
    const auto part = [&](const RnnState& state) { return state.parts()[i].second; };
    EXPECT_LT(relative_difference(part(found.state), part(exact.state)), 1e-6);
    EXPECT_LT(relative_difference(part(found.first).grad(), part(exact.first).grad()), 1e-5);
  }
  const double largest = exact.gradients.abs().max().item<double>();
  for (const Parameters::Parameter& parameter : fast.parameters().list()) {
    EXPECT_LT(relative_difference(Parameters::view(found.gradients, parameter),
                                  Parameters::view(exact.gradients, parameter), largest / 10),
              1e-5)
        << parameter.name;
  }
  // Evaluation keeps nothing for backward, but computes the same numbers.
  const c10::AutoGradMode no_grad(false);
  RnnState trained = found.first;
  RnnState evaluated = found.first;
  const at::Tensor logits = fast.forward(ids, evaluated, std::nullopt);
  const c10::AutoGradMode grad(true);
  const at::Tensor with_grad = fast.forward(ids, trained, std::nullopt);
  EXPECT_TRUE(at::equal(logits, with_grad));
  EXPECT_TRUE(at::equal(evaluated.h, trained.h));
}

class FastLayer : public testing::TestWithParam<Cell> {};

TEST_P(FastLayer, EqualsLibTorchsInEverySize) {
  const Cell cell = GetParam();
  constexpr InputLayer embedding = InputLayer::kEmbedding;
  constexpr InputLayer one_hot = InputLayer::kOneHot;
  for (const Sizes& sizes : {
           Sizes{cell, embedding, 1, 1, 5, 7, 1, 11},  // one of everything, V > B T
           Sizes{cell, one_hot, 1, 1, 1, 16, 2, 11}, Sizes{cell, embedding, 2, 3, 5, 7, 2, 11},
           Sizes{cell, embedding, 3, 5, 8, 16, 1, 11},    // a table
           Sizes{cell, embedding, 70, 3, 5, 80, 2, 11},   // more lanes than stay in cache, two blocks
           Sizes{cell, embedding, 5, 4, 33, 130, 2, 23},  // blocks with a rest, padded units
           Sizes{cell, one_hot, 13, 9, 1, 144, 2, 29}, Sizes{cell, embedding, 4, 3, 48, 48, 1, 500, true},
           Sizes{cell, embedding, 9, 7, 36, 36, 2, 19, true},
           Sizes{cell, embedding, 6, 2, 16, 560, 2, 17},  // deeper than one part of a panel
       }) {
    expect_same(sizes);
  }
}

TEST_P(FastLayer, EqualsLibTorchsInRandomSizes) {
  std::mt19937 random(static_cast<unsigned>(GetParam()) + 1);
  const auto draw = [&](int64_t most) { return static_cast<int64_t>(random()) % most + 1; };
  for (int i = 0; i < 12; ++i) {
    const InputLayer input = draw(3) == 1 ? InputLayer::kOneHot : InputLayer::kEmbedding;
    expect_same({GetParam(), input, draw(20), draw(12), draw(40), draw(100), draw(3), draw(60) + 1});
  }
}

// An update of the weights must not depend on the order in which threads run.
TEST_P(FastLayer, AnyNumberOfThreadsGivesTheSameNumbers) {
  const Sizes sizes{GetParam(), InputLayer::kEmbedding, 11, 5, 20, 150, 2, 31};
  CharRnn model(settings_of(sizes, Kernel::kFast), sizes.V);
  model.initialize(3);
  const at::Tensor ids = some_ids(sizes.B, sizes.T).remainder(sizes.V);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Result one = run(model, ids);
  for (const int threads : {2, 3, 7}) {
    at::set_num_threads(threads);
    const Result several = run(model, ids);
    EXPECT_LT(relative_difference(several.state.h, one.state.h), 1e-30) << threads;
    // LibTorch's sums over rows, of biases and tables, are cut by threads.
    EXPECT_LT(relative_difference(several.gradients, one.gradients), 1e-6) << threads;
    EXPECT_TRUE(at::equal(several.gradients, run(model, ids).gradients)) << "twice with " << threads;
  }
  at::set_num_threads(before);
}

TEST_P(FastLayer, NotANumberStaysNotANumber) {
  const Sizes sizes{GetParam(), InputLayer::kEmbedding, 3, 4, 5, 20, 1, 11};
  CharRnn model(settings_of(sizes, Kernel::kFast), sizes.V);
  model.initialize(3);
  RnnState state = model.zero_state(sizes.B);
  state.h[0][1][19] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor logits = model.forward(some_ids(sizes.B, sizes.T), state, std::nullopt);
  EXPECT_TRUE(logits[1].isnan().all().item<bool>());
  EXPECT_FALSE(logits[0].isnan().any().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Cells, FastLayer,
                         testing::Values(Cell::kLstm, Cell::kGru, Cell::kRnnTanh, Cell::kRnnRelu),
                         [](const auto& kind) { return std::string(enum_name(kind.param)); });

// Sums far to the left and right of where the nonlinearities bend, and the smallest floats.
TEST(FastLayerRange, NonlinearitiesAreExactEverywhere) {
  constexpr int64_t count = 4000;
  const at::Tensor tiny = at::tensor({1e-38F, -1e-38F, 1e-42F, -1e-42F, 0.0F, -0.0F, 200.0F, -200.0F});
  const at::Tensor sums = at::cat({at::linspace(-30, 30, count - tiny.numel()), tiny});
  for (const Cell cell : {Cell::kLstm, Cell::kGru, Cell::kRnnTanh, Cell::kRnnRelu}) {
    const ModelSettings settings{
        .cell = cell, .input = InputLayer::kOneHot, .hidden_size = 16, .layers = 1, .output_dropout = {}};
    CharRnn fast(settings, count);
    CharRnn exact(settings, count, at::kDouble);
    fast.initialize(1);
    {
      const c10::AutoGradMode no_grad(false);
      at::Tensor weights = fast.parameters()["rnn.weight_ih_l0"].detach();
      weights.copy_(sums.unsqueeze(0).expand_as(weights));
      exact.parameters().values().detach().copy_(fast.parameters().values());
    }
    const at::Tensor ids = at::arange(count, at::kLong).view({count / 2, 2});
    RnnState found = fast.zero_state(count / 2);
    RnnState expected = exact.zero_state(count / 2);
    fast.forward(ids, found, std::nullopt);
    exact.forward(ids, expected, std::nullopt);
    const double limit = cell == Cell::kRnnRelu ? 2e-5 : 5e-7;  // of numbers up to 200, and up to 2
    EXPECT_LT(largest_difference(found.h, expected.h), limit) << enum_name(cell);
    if (cell == Cell::kLstm) {
      EXPECT_LT(largest_difference(found.c, expected.c), 1e-6);
    }
  }
}

TEST(FastLayerChoice, DoublesTakeTheReference) {
  const Sizes sizes{Cell::kLstm, InputLayer::kEmbedding, 2, 3, 5, 7, 2, 11};
  CharRnn fast(settings_of(sizes, Kernel::kFast), sizes.V, at::kDouble);
  CharRnn reference(settings_of(sizes, Kernel::kReference), sizes.V, at::kDouble);
  fast.initialize(4);
  reference.initialize(4);
  const at::Tensor ids = some_ids(sizes.B, sizes.T);
  EXPECT_TRUE(at::equal(run(fast, ids).logits, run(reference, ids).logits));
}

TEST(FastLayerChoice, ASecondBackwardIsRefused) {
  CharRnn model = small_model(small_settings(), at::kFloat);
  RnnState state = model.zero_state(kB);
  const at::Tensor loss = model.forward(some_ids(kB, kT), state, std::nullopt).sum();
  loss.backward({}, /*retain_graph=*/true);
  EXPECT_THAT(error_of([&] { loss.backward(); }), testing::HasSubstr("call forward again"));
}

}  // namespace
}  // namespace charrnn
