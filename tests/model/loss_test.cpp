#include "charrnn/model/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "charrnn/core/error.h"
#include "small_model.h"

namespace charrnn {
namespace {

const at::TensorOptions kDoubles = at::TensorOptions().dtype(at::kDouble);

TEST(Loss, EqualLogitsGiveLnVForEachPosition) {
  const at::Tensor logits = at::full({kB, kT, kV}, 3.5, kDoubles);
  EXPECT_NEAR(cross_entropy_sum(logits, some_ids(kB, kT)).item<double>(), 6 * std::log(11.0), 1e-12);
}

TEST(Loss, NoTargetCountsNothing) {
  const at::Tensor logits = some_numbers({kB, kT, kV}, 0.2).requires_grad_(true);
  at::Tensor targets = some_ids(kB, kT);
  const double all = cross_entropy_sum(logits, targets).item<double>();
  const double one =
      cross_entropy_sum(logits.select(0, 1).narrow(0, 2, 1).unsqueeze(0), targets[1][2].view({1, 1}))
          .item<double>();
  targets[1][2] = kNoTarget;
  const at::Tensor loss = cross_entropy_sum(logits, targets);
  EXPECT_NEAR(loss.item<double>(), all - one, 1e-12);
  loss.backward();
  EXPECT_EQ(logits.grad()[1][2].count_nonzero().item<int64_t>(), 0);
  EXPECT_EQ(logits.grad()[1][1].count_nonzero().item<int64_t>(), kV);
  targets.fill_(kNoTarget);
  EXPECT_EQ(cross_entropy_sum(logits, targets).item<double>(), 0.0);
}

TEST(Loss, ByHand) {
  // Probabilities 1/8, 2/8, 5/8.
  const at::Tensor logits = at::tensor({std::log(1.0), std::log(2.0), std::log(5.0), std::log(10.0),
                                        std::log(20.0), std::log(50.0)},
                                       kDoubles)
                                .view({1, 2, 3});
  const at::Tensor targets = at::tensor({2, 0}, at::TensorOptions().dtype(at::kLong)).view({1, 2});
  EXPECT_NEAR(cross_entropy_sum(logits, targets).item<double>(), std::log(8.0 / 5.0) + std::log(8.0), 1e-12);
}

// The loss of a head over x (N, 5), and its gradients, by autograd in double.
void expect_as_in_double(int64_t N, int64_t V) {
  const std::vector<at::Tensor> exact{some_numbers({N, 5}, 0.1).requires_grad_(true),
                                      some_numbers({V, 5}, 0.7).requires_grad_(true),
                                      some_numbers({V}, 1.9).requires_grad_(true)};
  std::vector<at::Tensor> floats;
  for (const at::Tensor& tensor : exact) {
    floats.push_back(tensor.detach().to(at::kFloat).requires_grad_(true));
  }
  at::Tensor targets = some_ids(1, N).flatten();
  targets[N / 2] = kNoTarget;
  const at::Tensor expected =
      cross_entropy_sum(at::linear(exact[0], exact[1], exact[2]).unsqueeze(0), targets.unsqueeze(0));
  (expected / 3).backward();
  const at::Tensor found = linear_cross_entropy_sum(floats[0], floats[1], floats[2], targets);
  (found / 3).backward();
  EXPECT_NEAR(found.item<double>(), expected.item<double>(), 1e-6 * expected.item<double>());
  for (size_t i = 0; i < exact.size(); ++i) {
    const double largest = exact[i].grad().abs().max().item<double>();
    EXPECT_LT(largest_difference(floats[i].grad(), exact[i].grad()), 1e-5 * largest) << i;
  }
  const c10::AutoGradMode no_grad(false);
  EXPECT_EQ(linear_cross_entropy_sum(floats[0], floats[1], floats[2], targets).item<float>(),
            found.item<float>());
}

TEST(Loss, OfAHeadWithoutItsLogits) {
  expect_as_in_double(2, 11);
  expect_as_in_double(37, 11);
  expect_as_in_double(5000, 1000);  // three blocks, the last one shorter
}

TEST(Loss, OfAHeadRunsBackwardOnce) {
  const at::Tensor x = some_numbers({3, 5}, 0.1, at::kFloat).requires_grad_(true);
  const at::Tensor loss = linear_cross_entropy_sum(x, some_numbers({kV, 5}, 0.7, at::kFloat), at::zeros({kV}),
                                                   some_ids(1, 3).flatten());
  loss.backward({}, /*retain_graph=*/true);
  EXPECT_THROW(loss.backward(), Error);
}

TEST(Loss, LargeLogitsDoNotOverflow) {
  const at::Tensor logits = at::tensor({30000.0F, 0.0F, -30000.0F}).view({1, 1, 3});
  const auto loss = [&](int64_t target) {
    return cross_entropy_sum(logits, at::full({1, 1}, target, at::TensorOptions().dtype(at::kLong)))
        .item<double>();
  };
  EXPECT_EQ(loss(0), 0.0);
  EXPECT_EQ(loss(1), 30000.0);
  EXPECT_EQ(loss(2), 60000.0);
}

}  // namespace
}  // namespace charrnn
