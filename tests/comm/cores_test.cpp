#include "charrnn/comm/place/cores.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<int> kEight{0, 1, 2, 3, 4, 5, 6, 7};

TEST(Cores, UsableCoresOfThisProcess) {
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

TEST(Cores, UnboundRanksOfAHostShareEqually) {
  const std::vector<RankCores> ranks{
      {"a", kEight, {}}, {"a", kEight, {}}, {"a", kEight, {}}, {"b", kEight, {}}};
  EXPECT_EQ(thread_share(ranks, 0), 2);  // floor(8 / 3)
  EXPECT_EQ(thread_share(ranks, 3), 8);
}

TEST(Cores, BoundRanksKeepTheirs) {
  const std::vector<RankCores> ranks{{"a", {0, 1, 2}, {}}, {"a", {3, 4, 5}, {}}, {"a", {5, 6, 7}, {}}};
  EXPECT_EQ(thread_share(ranks, 0), 3);
  EXPECT_EQ(thread_share(ranks, 1), 1);  // it shares core 5, so it has half of its 3
}

TEST(Cores, AtLeastOneThread) {
  const std::vector<RankCores> ranks(5, {"a", {0, 1}, {}});
  EXPECT_EQ(thread_share(ranks, 4), 1);
}

TEST(Cores, WarningIfCoresStayIdle) {
  EXPECT_THAT(binding_warning({{"a", {0}, kEight}}, 0),
              AllOf(HasSubstr("the rank on a is bound to 1 of 8 cores"), HasSubstr("launch/run")));
  EXPECT_THAT(binding_warning({{"a", {0}, kEight}, {"a", {1}, kEight}, {"b", {3}, kEight}}, 0),
              HasSubstr("the 2 ranks on a are bound to 2 of 8 cores"));
}

TEST(Cores, WarningIfThereAreMoreRanksThanCores) {
  const std::vector<RankCores> three(3, {"a", {0, 1}, {0, 1}});
  EXPECT_EQ(binding_warning(three, 0), "3 ranks share 2 cores of a: fewer ranks would be faster");
  EXPECT_THAT(binding_warning({{"a", {4}, {}}, {"a", {4}, {}}, {"b", {4}, {}}}, 0),
              HasSubstr("2 ranks share 1 core of a"));
  EXPECT_EQ(binding_warning({{"a", {4}, {}}, {"a", {4}, {}}, {"b", {4}, {}}}, 2), "");
}

TEST(Cores, AQuotaIsSharedToo) {
  const auto with_quota = [](double quota) { return std::vector<RankCores>(2, {"a", kEight, {}, quota}); };
  EXPECT_EQ(thread_share({{"a", kEight, {}, 5.5}}, 0), 5);
  EXPECT_EQ(thread_share({{"a", kEight, {}, 0.5}}, 0), 1);
  EXPECT_EQ(thread_share({{"a", kEight, {}, 64}}, 0), 8) << "more than there are cores";
  EXPECT_EQ(thread_share(with_quota(6), 0), 3);
  EXPECT_EQ(thread_share(with_quota(1.5), 1), 1);
}

TEST(Cores, List) {
  EXPECT_EQ(core_list({0, 1, 2, 5}), "0-2,5");
  EXPECT_EQ(core_list({}), "");
  EXPECT_EQ(core_list({3}), "3");
  EXPECT_EQ(core_list({0, 2, 4, 5}), "0,2,4-5");
}

// Control groups in files that the test writes.
class CoreQuota : public testing::Test {
 protected:
  CoreQuota() { std::filesystem::remove_all(folder_); }
  ~CoreQuota() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text << "\n";
  }
  std::optional<double> quota() const {
    return core_quota((folder_ / "sys").string(), (folder_ / "process").string());
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("charrnn_core_quota_" + std::to_string(getpid()));
};

TEST_F(CoreQuota, NoneWithoutControlGroups) {
  EXPECT_EQ(quota(), std::nullopt);
  write("process", "0::/");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CoreQuota, Version2) {
  write("process", "0::/job/step");
  write("sys/job/step/cpu.max", "max 100000");
  EXPECT_EQ(quota(), std::nullopt);
  write("sys/job/step/cpu.max", "250000 100000");
  EXPECT_EQ(quota(), 2.5);
  write("sys/job/cpu.max", "60000 40000");
  EXPECT_EQ(quota(), 1.5) << "a parent's limit holds as well";
  write("sys/cpu.max", "300000 100000");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CoreQuota, OfAContainerThatSeesItsOwnRoot) {
  write("process", "0::/docker/0a1b2c");
  write("sys/cpu.max", "50000 100000");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CoreQuota, Version1) {
  write("process", "12:memory:/other\n4:cpu,cpuacct:/job\n1:name=systemd:/init.scope");
  write("sys/cpu/job/cpu.cfs_quota_us", "-1");
  write("sys/cpu/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota(), std::nullopt) << "-1 means unlimited";
  write("sys/cpu/job/cpu.cfs_quota_us", "350000");
  EXPECT_EQ(quota(), 3.5);
  write("sys/cpu/cpu.cfs_quota_us", "200000");
  write("sys/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota(), 2.0);
}

TEST_F(CoreQuota, OtherControllersAreIgnored) {
  write("process", "3:cpuset,cpuacct:/job");
  write("sys/cpu/job/cpu.cfs_quota_us", "100000");
  write("sys/cpu/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST(Cores, NoWarningIfAllAreUsedOrNothingIsKnown) {
  EXPECT_EQ(binding_warning({{"a", {0}, {0, 1}}, {"a", {1}, {0, 1}}}, 0), "");
  EXPECT_EQ(binding_warning({{"a", kEight, kEight}}, 0), "");
  EXPECT_EQ(binding_warning({{"a", {0}, {}}}, 0), "");
}

}  // namespace
}  // namespace charrnn
