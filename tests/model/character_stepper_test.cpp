// One character at a time with packed weights, against CharRnn::forward over all characters.
#include "charrnn/model/cpu/character_stepper.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "../error_of.h"
#include "small_model.h"

namespace charrnn {
namespace {

using testing::HasSubstr;

struct Sizes {
  InputLayer input;
  int64_t B, T, E, H, L, V;
  bool tied = false;
  Head head = Head::kLinear;
};

std::string text_of(const Sizes& s) {
  return concat(enum_name(s.input), s.tied ? " tied" : "", s.head == Head::kNone ? " no head" : "", " B ",
                s.B, " T ", s.T, " E ", s.E, " H ", s.H, " L ", s.L, " V ", s.V);
}

CharRnn model_of(Cell cell, const Sizes& s) {
  CharRnn model({.cell = cell,
                 .input = s.input,
                 .embedding_size = s.E,
                 .hidden_size = s.H,
                 .layers = s.L,
                 .dropout = 0.5,  // in training only
                 .output_dropout = {},
                 .head = s.head,
                 .tied_weights = s.tied},
                s.V);
  model.initialize(5);
  return model;
}

RnnState state_for(const CharRnn& model, int64_t lanes) {
  const RnnState state = some_state(model.settings(), lanes, at::kFloat);
  return {state.h, model.settings().cell == Cell::kLstm ? state.c : at::Tensor()};
}

// The logits (B, T, V) of ids (B, T), character by character.
at::Tensor stepped(const CharacterStepper& stepper, const at::Tensor& ids, const RnnState& state, int64_t V) {
  CharacterStepper::Streams streams = stepper.begin(state);
  const at::Tensor logits = at::empty({ids.size(0), ids.size(1), V});
  for (int64_t t = 0; t < ids.size(1); ++t) {
    const at::Tensor column = ids.select(1, t).contiguous();
    stepper.step({column.const_data_ptr<int64_t>(), static_cast<size_t>(column.numel())}, streams);
    for (int64_t b = 0; b < ids.size(0); ++b) {
      const std::span<const float> row = streams.logits(b);
      EXPECT_EQ(static_cast<int64_t>(row.size()), V);
      std::ranges::copy(row, logits[b][t].mutable_data_ptr<float>());
    }
  }
  return logits;
}

void expect_as_forward(Cell cell, const Sizes& s) {
  SCOPED_TRACE(concat(enum_name(cell), " ", text_of(s)));
  const c10::AutoGradMode no_grad(false);
  const CharRnn model = model_of(cell, s);
  const at::Tensor ids = (some_ids(s.B, s.T) * 17 + some_ids(s.B, s.T, 3)).remainder(s.V);
  const RnnState first = state_for(model, s.B);
  RnnState state = first;
  const at::Tensor expected = model.forward(ids, state, std::nullopt);
  const at::Tensor found = stepped(CharacterStepper(model), ids, first, s.V);
  EXPECT_LT(largest_difference(found, expected), 1e-5);  // of numbers of about 1: sums of up to 560 floats
}

class Stepper : public testing::TestWithParam<Cell> {};

TEST_P(Stepper, EqualsForwardInEverySize) {
  constexpr InputLayer embedding = InputLayer::kEmbedding;
  constexpr InputLayer one_hot = InputLayer::kOneHot;
  for (const Sizes& sizes : {
           Sizes{embedding, 1, 9, 5, 7, 1, 11}, Sizes{embedding, 2, 3, 5, 7, 2, 11},
           Sizes{one_hot, 1, 4, 1, 16, 2, 11}, Sizes{one_hot, 13, 5, 1, 144, 3, 29},
           Sizes{embedding, 70, 3, 5, 80, 2, 96},   // more lanes than a kernel takes at a time
           Sizes{embedding, 5, 4, 33, 130, 2, 23},  // blocks with a rest, padded units
           Sizes{embedding, 4, 3, 36, 36, 2, 50, true},
           Sizes{embedding, 3, 4, 6, 40, 2, 2500},         // too many characters for a table
           Sizes{embedding, 3, 4, 20, 20, 1, 2100, true},  // likewise
           Sizes{embedding, 2, 4, 5, 19, 2, 19, false, Head::kNone},
           Sizes{one_hot, 1, 4, 1, 32, 1, 32, false, Head::kNone},
           Sizes{embedding, 6, 2, 16, 560, 2, 17},  // deeper than one part of a panel
       }) {
    expect_as_forward(GetParam(), sizes);
  }
}

// Bit for bit: a text must not depend on the other texts that are drawn.
TEST_P(Stepper, AStreamIsTheSameAloneAndWithOthers) {
  const c10::AutoGradMode no_grad(false);
  for (const int64_t B : {2, 5, 13, 67}) {
    const Sizes s{InputLayer::kEmbedding, B, 6, 12, 50, 2, 31};
    const CharRnn model = model_of(GetParam(), s);
    const CharacterStepper stepper(model);
    const at::Tensor ids = some_ids(s.B, s.T);
    const RnnState state = state_for(model, s.B);
    const at::Tensor together = stepped(stepper, ids, state, s.V);
    for (int64_t b = 0; b < B; ++b) {
      const RnnState own = state.changed([&](const at::Tensor& part) { return part.narrow(1, b, 1); });
      EXPECT_TRUE(at::equal(stepped(stepper, ids.narrow(0, b, 1), own, s.V)[0], together[b])) << b;
    }
  }
}

TEST_P(Stepper, AnyNumberOfThreadsGivesTheSameNumbers) {
  const c10::AutoGradMode no_grad(false);
  const int before = at::get_num_threads();
  for (const int64_t B : {1, 11}) {
    const Sizes s{InputLayer::kEmbedding, B, 5, 20, 480, 2, 100};
    const CharRnn model = model_of(GetParam(), s);
    const at::Tensor ids = some_ids(s.B, s.T);
    const auto logits_with = [&](int threads) {
      at::set_num_threads(threads);
      return stepped(CharacterStepper(model), ids, state_for(model, s.B), s.V);
    };
    const at::Tensor one = logits_with(1);
    for (const int threads : {2, 3, 7}) EXPECT_TRUE(at::equal(logits_with(threads), one)) << threads;
  }
  at::set_num_threads(before);
}

INSTANTIATE_TEST_SUITE_P(Cells, Stepper,
                         testing::Values(Cell::kLstm, Cell::kGru, Cell::kRnnTanh, Cell::kRnnRelu),
                         [](const auto& kind) { return std::string(enum_name(kind.param)); });

TEST(CharacterStepper, ServesFloatsOnTheCpu) {
  EXPECT_TRUE(CharacterStepper::serves(small_model(small_settings(), at::kFloat)));
  EXPECT_FALSE(CharacterStepper::serves(small_model(small_settings(), at::kDouble)));
}

TEST(CharacterStepper, KeepsTheWeightsThatItWasMadeWith) {
  const c10::AutoGradMode no_grad(false);
  for (const int64_t V : {11, 2100}) {
    const Sizes s{InputLayer::kEmbedding, 2, 3, 5, 16, 2, V};
    const CharRnn model = model_of(Cell::kGru, s);
    const CharacterStepper stepper(model);
    const at::Tensor before = stepped(stepper, some_ids(s.B, s.T), state_for(model, s.B), V);
    model.parameters().values().detach().mul_(2.0);
    EXPECT_TRUE(at::equal(stepped(stepper, some_ids(s.B, s.T), state_for(model, s.B), V), before));
  }
}

TEST(CharacterStepper, RefusesInvalidIds) {
  const CharRnn model = small_model(small_settings(), at::kFloat);
  const CharacterStepper stepper(model);
  CharacterStepper::Streams streams = stepper.begin(model.zero_state(2));
  const auto step = [&](std::vector<int64_t> ids) { return error_of([&] { stepper.step(ids, streams); }); };
  EXPECT_THAT(step({1, kV}), HasSubstr("from 0 to 10, found 11"));
  EXPECT_THAT(step({-1, 1}), HasSubstr("found -1"));
  EXPECT_THAT(step({1}), HasSubstr("each of 2 streams, found 1"));
}

}  // namespace
}  // namespace charrnn
