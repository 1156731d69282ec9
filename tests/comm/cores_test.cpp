#include "comm/cores.h"

#include <gmock/gmock.h>
#include <sched.h>

#include <algorithm>

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<int> kEight{0, 1, 2, 3, 4, 5, 6, 7};

TEST(Cores, ThoseOfThisProcess) {
  const std::vector<int> before = usable_cores();
  ASSERT_FALSE(before.empty());
  EXPECT_TRUE(std::is_sorted(before.begin(), before.end()));

  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(before.back()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_THAT(usable_cores(), ElementsAre(before.back()));

  cpu_set_t all;
  CPU_ZERO(&all);
  for (const int core : before) CPU_SET(static_cast<size_t>(core), &all);
  ASSERT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

TEST(Cores, UnboundRanksOfAHostShareAlike) {
  const std::vector<RankCores> ranks{
      {"a", kEight, {}}, {"a", kEight, {}}, {"a", kEight, {}}, {"b", kEight, {}}};
  EXPECT_EQ(thread_share(ranks, 0), 2);  // floor(8 / 3)
  EXPECT_EQ(thread_share(ranks, 3), 8);
}

TEST(Cores, BoundRanksKeepTheirs) {
  const std::vector<RankCores> ranks{{"a", {0, 1, 2}, {}}, {"a", {3, 4, 5}, {}}, {"a", {5, 6, 7}, {}}};
  EXPECT_EQ(thread_share(ranks, 0), 3);
  EXPECT_EQ(thread_share(ranks, 1), 1);  // shares core 5, so takes half of its 3
}

TEST(Cores, AtLeastOneThread) {
  const std::vector<RankCores> ranks(5, {"a", {0, 1}, {}});
  EXPECT_EQ(thread_share(ranks, 4), 1);
}

TEST(Cores, WarningWhereCoresStayIdle) {
  EXPECT_THAT(binding_warning({{"a", {0}, kEight}}, 0),
              AllOf(HasSubstr("the rank on a is bound to 1 of 8 cores"), HasSubstr("launch/run")));
  EXPECT_THAT(binding_warning({{"a", {0}, kEight}, {"a", {1}, kEight}, {"b", {3}, kEight}}, 0),
              HasSubstr("the 2 ranks on a are bound to 2 of 8 cores"));
}

TEST(Cores, NoWarningWhereAllAreUsedOrNothingIsKnown) {
  EXPECT_EQ(binding_warning({{"a", {0}, {0, 1}}, {"a", {1}, {0, 1}}}, 0), "");
  EXPECT_EQ(binding_warning({{"a", kEight, kEight}}, 0), "");
  EXPECT_EQ(binding_warning({{"a", {0}, {}}}, 0), "");
}

}  // namespace
}  // namespace charrnn
