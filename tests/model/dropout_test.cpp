#include "charrnn/model/dropout.h"

#include <gtest/gtest.h>

#include <cmath>

#include "charrnn/model/dropout_pass.h"
#include "small_model.h"

namespace charrnn {
namespace {

constexpr DropoutKey kKey{.seed = 21, .step = 34, .first_lane = 6};

at::Tensor ones(at::IntArrayRef sizes, at::ScalarType type = at::kDouble) {
  return at::ones(sizes, at::TensorOptions().dtype(type));
}

at::Tensor mask_of(at::IntArrayRef sizes, double probability, const DropoutKey& key, int64_t layer,
                   const at::TensorOptions& options) {
  const DropoutPass pass{probability, dropout_layer_key(key.seed, key.step, layer), key.first_lane};
  return dropout_mask(sizes, pass, options);
}

class DropoutTypes : public testing::TestWithParam<at::ScalarType> {};

TEST_P(DropoutTypes, FusedPassEqualsTheMaskByTensorOperations) {
  const at::Tensor input = some_numbers({5, 13, 37}, 0.4, GetParam());
  for (const double probability : {0.1, 0.5, 0.95}) {
    const at::Tensor mask = mask_of(input.sizes(), probability, kKey, 1, input.options());
    const at::Tensor output = dropout(input, probability, kKey, 1);
    EXPECT_EQ(output.scalar_type(), GetParam());
    EXPECT_TRUE(at::equal(output.ne(0), mask.ne(0))) << "other elements are dropped";
    // 1 / (1 - p) is rounded once or twice: one unit in the last place.
    const double last_place = GetParam() == at::kFloat ? 1.2e-7 : 2.3e-16;
    EXPECT_TRUE(at::allclose(output, input * mask, 2 * last_place, 0));
  }
}

TEST_P(DropoutTypes, BackwardUsesTheSameMask) {
  at::Tensor input = some_numbers({3, 5, 17}, 0.4, GetParam()).requires_grad_(true);
  const at::Tensor weights = some_numbers({3, 5, 17}, 2.2, GetParam());
  (dropout(input, 0.4, kKey, 2) * weights).sum().backward();
  EXPECT_TRUE(at::equal(input.grad(), dropout(weights, 0.4, kKey, 2)));
  EXPECT_GT(input.grad().eq(0).sum().item<int64_t>(), 0);
}

TEST_P(DropoutTypes, TakesInputsThatAreNotContiguous) {
  const at::Tensor input = some_numbers({5, 3, 17}, 0.4, GetParam()).transpose(0, 1);
  EXPECT_TRUE(at::equal(dropout(input, 0.4, kKey, 0), dropout(input.contiguous(), 0.4, kKey, 0)));
}

INSTANTIATE_TEST_SUITE_P(Types, DropoutTypes, testing::Values(at::kFloat, at::kDouble),
                         [](const auto& kind) { return std::string(at::toString(kind.param)); });

TEST(Dropout, KeepsTheMeanAndDropsTheShareIndependently) {
  constexpr double p = 0.3;
  const at::Tensor output = dropout(ones({40, 50, 61}), p, kKey, 0);
  const at::Tensor dropped = output.eq(0).to(at::kDouble);
  EXPECT_DOUBLE_EQ(output.max().item<double>(), 1 / 0.7);
  const auto n = static_cast<double>(output.numel());
  EXPECT_NEAR(dropped.mean().item<double>(), p, 5 * std::sqrt(p * (1 - p) / n));
  // Neighbours along every axis: both dropped with p^2. (The draws overlap, which the factor of two covers.)
  for (const int64_t axis : {0, 1, 2}) {
    const int64_t size = dropped.size(axis);
    const at::Tensor both = dropped.narrow(axis, 0, size - 1) * dropped.narrow(axis, 1, size - 1);
    EXPECT_NEAR(both.mean().item<double>(), p * p, 2 * 5 * std::sqrt(p * p * (1 - p * p) / n))
        << "axis " << axis;
    // And no lane, position or unit is dropped more often than others: 5.5 sigma for 151 looks.
    std::vector<int64_t> others;
    for (const int64_t other : {0, 1, 2}) {
      if (other != axis) others.push_back(other);
    }
    const at::Tensor shares = dropped.mean(others);
    const double each = n / static_cast<double>(size);
    EXPECT_LT((shares - p).abs().max().item<double>(), 5.5 * std::sqrt(p * (1 - p) / each))
        << "axis " << axis;
  }
}

TEST(Dropout, ALaneHasTheSameMaskOnWhicheverRankItIsRead) {
  const at::Tensor input = ones({6, 4, 9});
  const at::Tensor whole = dropout(input, 0.5, {.seed = 2, .step = 3, .first_lane = 0}, 1);
  for (int64_t lane = 0; lane < 6; ++lane) {
    const DropoutKey key{.seed = 2, .step = 3, .first_lane = lane};
    EXPECT_TRUE(at::equal(dropout(input.narrow(0, 0, 1), 0.5, key, 1)[0], whole[lane])) << lane;
    EXPECT_TRUE(at::equal(mask_of({1, 4, 9}, 0.5, key, 1, input.options())[0], whole[lane])) << lane;
  }
}

TEST(Dropout, EveryPartOfTheKeyMatters) {
  const at::Tensor input = ones({4, 5, 30});
  const auto mask = [&](uint64_t seed, int64_t step, int64_t lane, int64_t layer) {
    return dropout(input, 0.5, {.seed = seed, .step = step, .first_lane = lane}, layer);
  };
  const at::Tensor first = mask(1, 2, 3, 0);
  EXPECT_TRUE(at::equal(mask(1, 2, 3, 0), first));
  for (const at::Tensor& other : {mask(2, 2, 3, 0), mask(1, 3, 3, 0), mask(1, 2, 4, 0), mask(1, 2, 3, 1)}) {
    // Independent masks of 600 elements agree in half of them; sigma is 12.
    EXPECT_NEAR(first.eq(other).sum().item<double>(), 300, 60);
  }
  for (int64_t t = 1; t < 5; ++t) EXPECT_FALSE(at::equal(first.select(1, 0), first.select(1, t)));
  for (int64_t lane = 1; lane < 4; ++lane) EXPECT_FALSE(at::equal(first[0], first[lane]));
}

// The scale is not rounded to 16 bits before it is used: 1 / 0.9 would be 1.109 in bf16.
TEST(Dropout, SixteenBitsAreScaledInFloatsAndRoundedOnce) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const at::Tensor input = some_numbers({5, 13, 37}, 0.4, type);
    EXPECT_TRUE(at::equal(dropout(input, 0.1, kKey, 1), dropout(input.to(at::kFloat), 0.1, kKey, 1).to(type)))
        << type;
  }
}

TEST(Dropout, ProbabilityZeroIsTheIdentity) {
  const at::Tensor input = some_numbers({2, 3, 7}, 0.1);
  EXPECT_TRUE(at::equal(dropout(input, 0.0, kKey, 0), input));
  EXPECT_TRUE(at::equal(mask_of({2, 3, 7}, 0.0, kKey, 0, input.options()), ones({2, 3, 7})));
}

}  // namespace
}  // namespace charrnn
