#include "train/job_limit.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <fstream>

#include "../error_of.h"
#include "../temporary_folder.h"

namespace charrnn {
namespace {

TEST(JobLimit, EndInLocalTime) {
  std::tm time{};
  time.tm_year = 2026 - 1900;
  time.tm_mon = 10;
  time.tm_mday = 22;
  time.tm_hour = 18;
  time.tm_min = 30;
  time.tm_isdst = -1;
  EXPECT_EQ(job_end_time("2026-11-22T18:30:00\n"), static_cast<double>(std::mktime(&time)));
}

TEST(JobLimit, JobsWithoutOne) {
  for (const char* text : {"NONE\n", "N/A\n", "N/A"}) EXPECT_EQ(job_end_time(text), std::nullopt) << text;
}

TEST(JobLimit, WarningsBeforeIt) {
  EXPECT_EQ(job_end_time("squeue: warning: slow\n2026-11-22T18:30:00\n"),
            job_end_time("2026-11-22T18:30:00"));
}

TEST(JobLimit, AnythingElseIsAnError) {
  for (const char* text : {"", "slurm_load_jobs error: Invalid job id specified\n", "2026-11-22\n"}) {
    EXPECT_THAT(error_of([&] { job_end_time(text); }), testing::HasSubstr("2026-11-22T18:30:00")) << text;
  }
}

// A squeue of our own, first on the PATH.
class JobLimitOfASqueue : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::getenv("PATH");
    setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
    setenv("SLURM_JOB_ID", "77", 1);
  }
  void TearDown() override {
    setenv("PATH", path_.c_str(), 1);
    unsetenv("SLURM_JOB_ID");
  }
  void squeue(const std::string& script) {
    std::ofstream(folder_ / "squeue") << "#!/bin/sh\n" << script << "\n";
    chmod((folder_ / "squeue").c_str(), 0755);
  }
  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(JobLimitOfASqueue, SecondsFromNow) {
  squeue("[ \"$*\" = '-h -j 77 -o %e' ] && date -d '+100 seconds' +%Y-%m-%dT%H:%M:%S");
  const std::optional<double> seconds = seconds_to_job_end();
  ASSERT_TRUE(seconds);
  EXPECT_GT(*seconds, 80);
  EXPECT_LE(*seconds, 100);
}

TEST_F(JobLimitOfASqueue, AnArraysTaskIsAskedForByItsNumber) {
  setenv("SLURM_ARRAY_JOB_ID", "77", 1);
  setenv("SLURM_ARRAY_TASK_ID", "3", 1);
  squeue("[ \"$3\" = 77_3 ] && date -d '+100 seconds' +%Y-%m-%dT%H:%M:%S");
  EXPECT_TRUE(seconds_to_job_end());
  unsetenv("SLURM_ARRAY_JOB_ID");
  unsetenv("SLURM_ARRAY_TASK_ID");
}

TEST_F(JobLimitOfASqueue, NoneOutsideOfSlurm) {
  unsetenv("SLURM_JOB_ID");
  squeue("echo must not be asked");
  EXPECT_EQ(seconds_to_job_end(), std::nullopt);
}

TEST_F(JobLimitOfASqueue, NoAnswerAndNonsenseAreErrors) {
  squeue("exit 1");
  EXPECT_THAT(error_of([] { seconds_to_job_end(); }), testing::HasSubstr("found nothing"));
  squeue("echo Unable to contact slurm controller");
  EXPECT_THAT(error_of([] { seconds_to_job_end(); }), testing::HasSubstr("Unable to contact"));
  setenv("SLURM_JOB_ID", "7; rm", 1);
  EXPECT_THAT(error_of([] { seconds_to_job_end(); }), testing::HasSubstr("expected a number"));
}

}  // namespace
}  // namespace charrnn
