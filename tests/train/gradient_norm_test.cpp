#include "charrnn/train/gradient_norm.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace charrnn {
namespace {

double norm_of(const at::Tensor& flat) {
  return gradient_norm(flat).item<double>();
}

TEST(GradientNorm, ByHand) {
  EXPECT_EQ(norm_of(at::tensor({3.0F, -4.0F})), 5.0);
  EXPECT_EQ(norm_of(at::zeros({7})), 0.0);
  EXPECT_EQ(norm_of(at::empty({0})), 0.0);
  // One in every block, and at the ends of a buffer shorter than a block: 9 * 4.
  at::Tensor flat = at::zeros({8 * 65536 + 21});
  for (int64_t block = 0; block < 8; ++block) flat[block * 65536 + 17 * block].fill_(2);
  flat[8 * 65536 + 20].fill_(-2);
  EXPECT_EQ(norm_of(flat), 6.0);
}

TEST(GradientNorm, EveryElementCounts) {
  for (const int64_t count : {1, 15, 16, 17, 33, 65535, 65536, 65537}) {
    EXPECT_DOUBLE_EQ(norm_of(at::full({count}, 0.5)), 0.5 * std::sqrt(static_cast<double>(count))) << count;
  }
}

TEST(GradientNorm, SquaresOfLargeFloatsDoNotOverflow) {
  EXPECT_NEAR(norm_of(at::full({4}, 1e30)) / 2e30, 1, 1e-7);
}

TEST(GradientNorm, IsTheSameForAnyNumberOfThreads) {
  const at::Tensor flat = at::sin(at::arange(1'000'003) * 0.37);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const double one = norm_of(flat);
  for (const int threads : {2, 3, 7}) {
    at::set_num_threads(threads);
    EXPECT_EQ(norm_of(flat), one) << threads << " threads";
  }
  at::set_num_threads(before);
}

TEST(GradientNorm, OneElementThatIsNotANumberMakesItNotANumber) {
  at::Tensor flat = at::ones({200'000});
  flat[150'000].fill_(std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isinf(norm_of(flat)));
  flat[150'000].fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(std::isnan(norm_of(flat)));
}

TEST(ClipDivisor, MakesTheNormTheLimitAndNeverLarger) {
  const auto divisor = [](double norm, double clip_norm) {
    return clip_divisor(at::scalar_tensor(norm, at::kDouble), clip_norm).item<float>();
  };
  EXPECT_FLOAT_EQ(divisor(5, 2), 2.5000005F);
  EXPECT_EQ(divisor(5, 5.5), 1);
  EXPECT_EQ(divisor(5, 0), 1);
  EXPECT_FLOAT_EQ(divisor(0, 1e-7), 10);  // of gradients that are 0
}

}  // namespace
}  // namespace charrnn
