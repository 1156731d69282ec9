#include "charrnn/comm/watchdog.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "charrnn/comm/rank_report.h"
#include "charrnn/core/stop_token.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace fs = std::filesystem;

class WatchdogTest : public testing::Test {
 protected:
  WatchdogTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  ~WatchdogTest() override { fs::remove_all(folder_); }

  static std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // Each test's own, and the same in a death test's child, which begins the test again.
  const fs::path folder_ =
      fs::temp_directory_path() / concat("charrnn_watchdog_", getuid(), "_",
                                         testing::UnitTest::GetInstance()->current_test_info()->name());
};

using WatchdogDeathTest = WatchdogTest;

TEST_F(WatchdogTest, ASlowStartPrintsWhatItMayWaitForOnceAndHasItsOwnLimit) {
  testing::internal::CaptureStderr();
  {
    Watchdog watchdog({}, 0.05);
    watchdog.set_start_limit(300);
    watchdog.set_limit(2, "");
    EXPECT_EQ(watchdog.limit().seconds, 300);
    EXPECT_STREQ(watchdog.limit().setting, "comm.start_timeout_seconds");
    watchdog.log().start_and_await("the start of MPI", 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(900));
    watchdog.log().end(1);
    watchdog.set_started();
    EXPECT_EQ(watchdog.limit().seconds, 2);
    EXPECT_STREQ(watchdog.limit().setting, "comm.timeout_seconds");
  }
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_THAT(printed, AllOf(HasSubstr("the start of MPI takes long ("), HasSubstr("name of this host")));
  EXPECT_EQ(printed.find("takes long"), printed.rfind("takes long"));
}

TEST_F(WatchdogTest, AReportHasTheCauseAndTheLastOperations) {
  Watchdog watchdog;
  watchdog.set_rank(2, 5);
  watchdog.set_limit(600, folder_, "a1b2");
  EXPECT_EQ(watchdog.limit_seconds(), 600);
  watchdog.log().start_and_await("barrier", 0);
  watchdog.log().end(1);
  watchdog.log().set_step(31);
  watchdog.log().start_and_await("all_reduce_sum", 4000);
  watchdog.log().start("control_sum", 16);
  const fs::path report = watchdog.write_report(ErrorKind::kLost, "rank 3 did not reach");
  EXPECT_EQ(report, folder_ / "abort-report-rank-2.txt");
  EXPECT_THAT(
      text_of(report),
      AllOf(StartsWith("rank 2 of 5\nstart a1b2\ncause rank 3 did not reach\n\n"),
            ContainsRegex("\noperation 1 barrier bytes 0 step 0 done began -[0-9.]+ ended -[0-9.]+\n"),
            ContainsRegex("\noperation 2 all_reduce_sum bytes 4000 step 31 awaited began -[0-9.]+\n"),
            ContainsRegex("\noperation 3 control_sum bytes 16 step 31 started began -[0-9.]+\n$")));
}

TEST_F(WatchdogTest, TheFirstReportStays) {
  Watchdog watchdog;
  watchdog.set_limit(600, folder_);
  EXPECT_NE(watchdog.write_report(ErrorKind::kLost, "the first"), "");
  EXPECT_EQ(watchdog.write_report(ErrorKind::kLost, "another"), "");
  EXPECT_THAT(text_of(folder_ / "abort-report-rank-0.txt"), Not(HasSubstr("another")));
}

TEST_F(WatchdogTest, OnlyALossIsAnAbortReport) {
  Watchdog watchdog;
  watchdog.set_limit(600, folder_);
  EXPECT_EQ(watchdog.write_report(ErrorKind::kDiverged, "the loss is gone"),
            folder_ / "last-operations-rank-0.txt");
  EXPECT_FALSE(fs::exists(folder_ / "abort-report-rank-0.txt"));
}

TEST_F(WatchdogTest, NothingIsWrittenWithoutAFolder) {
  Watchdog watchdog;
  EXPECT_EQ(watchdog.write_report(ErrorKind::kLost, "nowhere"), "");
}

TEST_F(WatchdogTest, AFolderThatCannotBeMadeIsNoEnd) {
  Watchdog watchdog;
  watchdog.set_limit(600, "/proc/no such folder");
  testing::internal::CaptureStderr();
  EXPECT_EQ(watchdog.write_report(ErrorKind::kLost, "nowhere"), "");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("the report could not be written"));
}

TEST_F(WatchdogTest, EarlierReportsArePutAway) {
  {
    Watchdog watchdog;
    watchdog.set_limit(600, folder_, "first");
    watchdog.write_report(ErrorKind::kLost, "yesterday");
  }
  {
    Watchdog watchdog;
    watchdog.set_rank(1, 2);
    watchdog.set_limit(600, folder_, "first");
    watchdog.write_report(ErrorKind::kFailed, "yesterday");
  }
  {
    Watchdog watchdog;
    watchdog.set_rank(2, 3);
    watchdog.set_limit(600, folder_, "second");
    watchdog.write_report(ErrorKind::kFailed, "today");
  }
  std::ofstream(folder_ / "train.log") << "stays\n";
  put_away_reports(folder_, "second");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, testing::UnorderedElementsAre("earlier-abort-report-rank-0.txt",
                                                   "earlier-last-operations-rank-1.txt",
                                                   "last-operations-rank-2.txt", "train.log"));
  put_away_reports(folder_, "second");  // nothing left to do
  put_away_reports(folder_ / "not there", "second");
}

// The thread that waits hangs inside MPI: the watchdog ends the process.
TEST_F(WatchdogDeathTest, EndsAProcessThatHangs) {
  const auto hang = [&] {
    Watchdog watchdog;
    watchdog.set_rank(1, 2);
    watchdog.set_limit(0.1, folder_);
    watchdog.log().start_and_await("all_reduce_sum", 4000);
    sleep(20);
  };
  EXPECT_EXIT(hang(), testing::ExitedWithCode(4),
              "all_reduce_sum of 4000 bytes \\(operation 1, step 0\\) has hung for 2");
  EXPECT_THAT(text_of(folder_ / "abort-report-rank-1.txt"), HasSubstr("has hung for"));
}

TEST_F(WatchdogDeathTest, AnOperationMayHaveALimitOfItsOwn) {
  const auto hang = [] {
    Watchdog watchdog;
    watchdog.set_limit(600, "");
    const AwaitedOperation operation(watchdog.log(), "ncclCommAbort", 0, 0.2);
    sleep(20);
  };
  EXPECT_EXIT(hang(), testing::ExitedWithCode(4), "ncclCommAbort");
}

TEST_F(WatchdogTest, WhatIsNotAwaitedMayLast) {
  Watchdog watchdog;
  watchdog.set_limit(0.1, folder_);
  watchdog.log().start("control_sum", 16);
  sleep(3);  // longer than the limit and the grace after it
  EXPECT_FALSE(fs::exists(folder_));
}

// Another rank has reported, this one waits: it leaves its operations too.
TEST_F(WatchdogTest, ReportsAfterAnother) {
  Watchdog other;
  other.set_limit(600, folder_);
  other.write_report(ErrorKind::kLost, "rank 1 did not reach");
  Watchdog watchdog;
  watchdog.set_rank(2, 3);
  watchdog.set_limit(600, folder_);
  watchdog.log().start_and_await("all_reduce_sum", 4000);
  for (int i = 0; i < 50 && !fs::exists(folder_ / "abort-report-rank-2.txt"); ++i) usleep(100'000);
  EXPECT_THAT(text_of(folder_ / "abort-report-rank-2.txt"),
              HasSubstr("cause another rank reported first: abort-report-rank-0.txt"));
}

TEST_F(WatchdogTest, ReportsOfAnotherStartMeanNothing) {
  Watchdog other;
  other.set_limit(600, folder_, "first");
  other.write_report(ErrorKind::kLost, "rank 1 did not reach");
  Watchdog watchdog;
  watchdog.set_rank(2, 3);
  watchdog.set_limit(600, folder_, "second");
  watchdog.log().start_and_await("all_reduce_sum", 4000);
  usleep(2'500'000);  // it looks each second
  EXPECT_FALSE(fs::exists(folder_ / "abort-report-rank-2.txt"));
}

// Told to end while it waits: a report, taken back when the rank leaves as it should.
TEST_F(WatchdogTest, AReportOfAStopThatWentWellIsWithdrawn) {
  StopSource source;
  source.request_stop(SIGTERM);
  {
    Watchdog watchdog(source.token());
    watchdog.set_limit(600, folder_);
    watchdog.log().start_and_await("all_reduce_sum", 4000);
    for (int i = 0; i < 50 && !fs::exists(folder_ / "last-operations-rank-0.txt"); ++i) usleep(100'000);
    EXPECT_THAT(text_of(folder_ / "last-operations-rank-0.txt"), HasSubstr("told to end (SIGTERM)"));
    watchdog.log().end(1);
  }
  EXPECT_FALSE(fs::exists(folder_ / "last-operations-rank-0.txt"));
}

}  // namespace
}  // namespace charrnn
