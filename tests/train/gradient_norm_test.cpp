#include "train/gradient_norm.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace charrnn {
namespace {

TEST(GradientNorm, ByHand) {
  EXPECT_EQ(gradient_norm(at::tensor({3.0F, -4.0F})), 5.0);
  EXPECT_EQ(gradient_norm(at::zeros({7})), 0.0);
  EXPECT_EQ(gradient_norm(at::empty({0})), 0.0);
  // One in every block, and at the ends of a buffer that fills no block: 9 * 4.
  at::Tensor flat = at::zeros({8 * 65536 + 21});
  for (int64_t block = 0; block < 8; ++block) flat[block * 65536 + 17 * block].fill_(2);
  flat[8 * 65536 + 20].fill_(-2);
  EXPECT_EQ(gradient_norm(flat), 6.0);
}

TEST(GradientNorm, EveryElementCounts) {
  for (const int64_t count : {1, 15, 16, 17, 33, 65535, 65536, 65537}) {
    EXPECT_DOUBLE_EQ(gradient_norm(at::full({count}, 0.5)), 0.5 * std::sqrt(static_cast<double>(count)))
        << count;
  }
}

TEST(GradientNorm, SquaresOfLargeFloatsDoNotOverflow) {
  EXPECT_NEAR(gradient_norm(at::full({4}, 1e30)) / 2e30, 1, 1e-7);
}

TEST(GradientNorm, IsTheSameForAnyNumberOfThreads) {
  const at::Tensor flat = at::sin(at::arange(1'000'003) * 0.37);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const double one = gradient_norm(flat);
  for (const int threads : {2, 3, 7}) {
    at::set_num_threads(threads);
    EXPECT_EQ(gradient_norm(flat), one) << threads << " threads";
  }
  at::set_num_threads(before);
}

TEST(GradientNorm, OneElementThatIsNoNumberMakesItNone) {
  at::Tensor flat = at::ones({200'000});
  flat[150'000].fill_(std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isinf(gradient_norm(flat)));
  flat[150'000].fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(std::isnan(gradient_norm(flat)));
}

TEST(ClipGradients, ScalesDownToTheNormAndNeverUp) {
  at::Tensor flat = at::tensor({3.0F, -4.0F});
  clip_gradients(flat, gradient_norm(flat), 2.0);
  EXPECT_NEAR(flat[0].item<double>(), 3 * 2 / 5.000001, 1e-6);
  EXPECT_NEAR(flat[1].item<double>(), -4 * 2 / 5.000001, 1e-6);
  for (const double clip_norm : {5.5, 0.0}) {
    at::Tensor kept = at::tensor({3.0F, -4.0F});
    clip_gradients(kept, gradient_norm(kept), clip_norm);
    EXPECT_TRUE(at::equal(kept, at::tensor({3.0F, -4.0F}))) << clip_norm;
  }
  at::Tensor none = at::zeros({2});
  clip_gradients(none, gradient_norm(none), 1e-7);
  EXPECT_EQ(none.count_nonzero().item<int64_t>(), 0);
}

}  // namespace
}  // namespace charrnn
