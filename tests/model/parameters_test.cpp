#include "charrnn/model/parameters.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../error_of.h"
#include "small_model.h"

namespace charrnn {
namespace {

using Shapes = std::vector<std::pair<std::string, std::vector<int64_t>>>;

Shapes shapes_of(const CharRnn& model) {
  Shapes shapes;
  for (const auto& parameter : model.parameters().list()) {
    shapes.emplace_back(parameter.name, parameter.value.sizes().vec());
  }
  return shapes;
}

TEST(Parameters, NamesAndShapesArePyTorchs) {
  EXPECT_EQ(shapes_of(small_model(small_settings())), (Shapes{{"embedding.weight", {11, 5}},
                                                              {"rnn.weight_ih_l0", {28, 5}},
                                                              {"rnn.weight_hh_l0", {28, 7}},
                                                              {"rnn.bias_ih_l0", {28}},
                                                              {"rnn.bias_hh_l0", {28}},
                                                              {"rnn.weight_ih_l1", {28, 7}},
                                                              {"rnn.weight_hh_l1", {28, 7}},
                                                              {"rnn.bias_ih_l1", {28}},
                                                              {"rnn.bias_hh_l1", {28}},
                                                              {"head.weight", {11, 7}},
                                                              {"head.bias", {11}}}));
  EXPECT_EQ(shapes_of(small_model(small_settings(InputLayer::kOneHot, 1))),
            (Shapes{{"rnn.weight_ih_l0", {28, 11}},
                    {"rnn.weight_hh_l0", {28, 7}},
                    {"rnn.bias_ih_l0", {28}},
                    {"rnn.bias_hh_l0", {28}},
                    {"head.weight", {11, 7}},
                    {"head.bias", {11}}}));
}

TEST(Parameters, AreViewsOfOneBuffer) {
  CharRnn model = small_model(small_settings(), at::kFloat);
  const Parameters& p = model.parameters();
  // Multiples of 64 elements, 256 bytes; a layer's four side by side. Layer 0 has 28 (5 + 7 + 2) = 392, layer
  // 1 28 (7 + 7 + 2) = 448.
  std::vector<int64_t> offsets;
  for (const auto& parameter : p.list()) {
    offsets.push_back(parameter.offset);
    EXPECT_TRUE(parameter.value.is_leaf() && parameter.value.requires_grad()) << parameter.name;
    EXPECT_EQ(parameter.value.const_data_ptr<float>(), p.values().const_data_ptr<float>() + parameter.offset);
  }
  EXPECT_THAT(offsets, testing::ElementsAre(0,                   // 55 of the embedding
                                            64, 204, 400, 428,   // to 456
                                            512, 708, 904, 932,  // to 960
                                            960,                 // 77 of the head, to 1,037
                                            1088));              // 11 biases
  EXPECT_EQ(p.values().numel(), 1088 + 11);
  EXPECT_EQ(p.gradients().numel(), 1088 + 11);
  EXPECT_EQ(p.count(), 55 + 392 + 448 + 77 + 11);

  const c10::AutoGradMode no_grad(false);
  const Parameters::Parameter& second = p.list()[1];
  p.values()[second.offset + 8].fill_(42);
  EXPECT_EQ(p["rnn.weight_ih_l0"][1][3].item<float>(), 42) << "row 1, column 3 of (28, 5)";
  EXPECT_EQ(Parameters::view(p.values(), second).sizes(), second.value.sizes());
  EXPECT_EQ(Parameters::view(p.values(), second)[1][3].item<float>(), 42);
  EXPECT_THAT(error_of([&] { p["rnn.weight_ih_l2"]; }), testing::HasSubstr("rnn.weight_ih_l2"));
}

TEST(Parameters, GradientsAreGatheredInTheFlatBuffer) {
  CharRnn model = small_model(small_settings());
  const Parameters& p = model.parameters();
  const void* memory = p.gradients().const_data_ptr();
  p.gradients().detach().fill_(99);  // of an earlier step
  // d/dw of 3 sum(w): 3 in the head's rows, 0 elsewhere. Gradients of one step add up; the next step starts
  // from 0.
  for (const int times : {1, 2, 1}) {
    for (int i = 0; i < times; ++i) (p["head.weight"].sum() * 3.0).backward();
    p.gather_gradients(0, p.list().size());
    EXPECT_EQ(p.gradients().sum().item<double>(), 77.0 * 3.0 * times);
    EXPECT_EQ(Parameters::view(p.gradients(), p.list()[9]).min().item<double>(), 3.0 * times);
    EXPECT_FALSE(p.list()[9].value.grad().defined());
  }
  EXPECT_EQ(p.gradients().const_data_ptr(), memory);
}

TEST(Parameters, PartsAreGatheredWithTheirGaps) {
  CharRnn model = small_model(small_settings());
  const Parameters& p = model.parameters();
  p.gradients().detach().fill_(99);
  at::Tensor sum = at::zeros({}, at::kDouble);
  for (const auto& parameter : p.list()) sum = sum + parameter.value.sum();
  sum.backward();
  // The head and its bias; nothing else is touched.
  p.gather_gradients(9, 11);
  EXPECT_EQ(p.range(9, 11).offset, 960);
  EXPECT_EQ(p.range(9, 11).count, 139);
  EXPECT_EQ(p.gradients().narrow(0, 960, 139).sum().item<double>(), 77 + 11);
  EXPECT_EQ(p.gradients().narrow(0, 0, 960).min().item<double>(), 99);
  p.gather_gradients(0, 5);  // the embedding and layer 0, to where layer 1 begins
  EXPECT_EQ(p.range(0, 5).count, 512);
  EXPECT_EQ(p.gradients().narrow(0, 0, 512).sum().item<double>(), 55 + 392);
  EXPECT_EQ(p.gradients().narrow(0, 512, 448).min().item<double>(), 99);
}

TEST(Initialize, DrawsAsPyTorchDoes) {
  ModelSettings settings{
      .embedding_size = 50, .hidden_size = 60, .layers = 2, .output_dropout = {}, .forget_bias = 1.5};
  CharRnn model(settings, 97, at::kFloat);
  model.initialize(3);
  const Parameters& p = model.parameters();
  // For n draws the mean has an error of sigma / sqrt(n), the variance of a normal one of sqrt(2 / n); the
  // bounds are five times these.
  const at::Tensor embedding = p["embedding.weight"].detach().to(at::kDouble);
  const double n = 97 * 50;
  EXPECT_NEAR(embedding.mean().item<double>(), 0, 5 / std::sqrt(n));
  EXPECT_NEAR(embedding.var().item<double>(), 1, 5 * std::sqrt(2 / n));

  const double bound = 1 / std::sqrt(60.0);
  const double float_bound = bound * (1 + 1e-6);
  for (const auto& [name, value, offset] : p.list()) {
    if (name == "embedding.weight" || name.starts_with("rnn.bias")) continue;
    const at::Tensor drawn = value.detach().to(at::kDouble);
    const auto count = static_cast<double>(drawn.numel());
    EXPECT_LE(drawn.abs().max().item<double>(), float_bound) << name;
    EXPECT_NEAR(drawn.mean().item<double>(), 0, 5 * bound / std::sqrt(3 * count)) << name;
    // u^2 of a uniform draw has mean k^2 / 3 and deviation k^2 sqrt(4 / 45).
    EXPECT_NEAR(drawn.square().mean().item<double>(), bound * bound / 3,
                5 * bound * bound * std::sqrt(4.0 / 45 / count))
        << name;
  }
  for (const char* layer : {"_l0", "_l1"}) {
    const at::Tensor sum =
        (p[std::string("rnn.bias_ih") + layer] + p[std::string("rnn.bias_hh") + layer]).detach();
    EXPECT_TRUE(at::equal(sum.narrow(0, 60, 60), at::full({60}, 1.5))) << "forget gates";
    for (const int64_t gate : {0, 2, 3}) {
      EXPECT_LE(sum.narrow(0, gate * 60, 60).abs().max().item<double>(), 2 * float_bound);
      EXPECT_GT(sum.narrow(0, gate * 60, 60).abs().max().item<double>(), bound / 2);
    }
  }
}

TEST(Initialize, IsAFunctionOfTheSeedAndDisturbsNoOtherDraw) {
  const auto values = [](uint64_t seed) {
    return small_model(small_settings(), at::kFloat, seed).parameters().values();
  };
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  generator.set_current_seed(17);
  const at::Tensor first = values(4);
  const at::Tensor drawn = at::rand({5});
  EXPECT_TRUE(at::equal(first, values(4)));
  EXPECT_FALSE(at::equal(first, values(5)));
  generator.set_current_seed(17);
  EXPECT_TRUE(at::equal(drawn, at::rand({5})));
}

}  // namespace
}  // namespace charrnn
