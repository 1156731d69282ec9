#include "charrnn/train/plateau.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace charrnn {
namespace {

std::vector<double> factors_after(const ScheduleSettings& settings, const std::vector<double>& losses) {
  Plateau plateau;
  std::vector<double> factors;
  for (const double loss : losses) {
    const double before = plateau.rate_factor();
    const bool is_cut = plateau.add(loss, settings);
    EXPECT_EQ(is_cut, plateau.rate_factor() < before);
    factors.push_back(plateau.rate_factor());
  }
  return factors;
}

// With a patience of 2, the third value in a row that is not better cuts the rate.
TEST(Plateau, CutsAfterMoreThanPatience) {
  EXPECT_THAT(factors_after({.factor = 0.5, .patience = 2}, {3, 2, 2, 2.5, 2, 1.9, 1.9, 1.9, 1.9}),
              testing::ElementsAre(1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25));
}

TEST(Plateau, BetterIsLowerByAPartOfTheBest) {
  EXPECT_THAT(factors_after({.factor = 0.5, .patience = 0, .threshold = 0.1}, {2, 1.81, 1.79, 1.7}),
              testing::ElementsAre(1, 0.5, 0.5, 0.25));
}

// The two values after a cut do not count.
TEST(Plateau, CoolsDownAndStopsAtTheFinalFraction) {
  EXPECT_THAT(factors_after({.final_fraction = 0.2, .factor = 0.5, .patience = 0, .cooldown = 2},
                            {1, 1, 1, 1, 1, 1, 1, 1}),
              testing::ElementsAre(1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2));
}

TEST(Plateau, ALossThatIsNoNumberIsNotBetter) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(factors_after({.factor = 0.5, .patience = 1}, {none, 2, none, none, 1.5}),
              testing::ElementsAre(1, 1, 1, 0.5, 0.5));
}

TEST(Plateau, AllOfItIsSaved) {
  const ScheduleSettings settings{.factor = 0.5, .patience = 1, .cooldown = 2};
  Plateau whole;
  Plateau first;
  const std::vector<double> losses{3, 3, 3, 3.1, 2, 2, 2, 2, 2, 2};
  for (size_t i = 0; i < losses.size(); ++i) {
    whole.add(losses[i], settings);
    SavedStates saved;
    first.save(saved);
    Plateau next;
    next.restore(saved);
    next.add(losses[i], settings);
    first = next;
    EXPECT_EQ(first.rate_factor(), whole.rate_factor()) << i;
  }
  EXPECT_LT(whole.rate_factor(), 0.5);
}

}  // namespace
}  // namespace charrnn
