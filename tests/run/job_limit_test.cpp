#include "charrnn/run/job_limit.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "../error_of.h"
#include "../temporary_folder.h"

namespace charrnn {
namespace {

TEST(JobLimit, TimeLeft) {
  EXPECT_EQ(job_time_left("1-02:03:04\n"), 24 * 3600 + 2 * 3600 + 3 * 60 + 4);
  EXPECT_EQ(job_time_left("2:03:04\n"), 2 * 3600 + 3 * 60 + 4);
  EXPECT_EQ(job_time_left("3:04"), 184);
  EXPECT_EQ(job_time_left("0:00\n"), 0);
  EXPECT_EQ(job_time_left("INVALID\n"), 0) << "the limit has passed";
}

TEST(JobLimit, JobsWithoutOne) {
  for (const char* text : {"UNLIMITED\n", "NOT_SET\n", "UNLIMITED"})
    EXPECT_EQ(job_time_left(text), std::nullopt) << text;
}

TEST(JobLimit, WarningsBeforeIt) {
  EXPECT_EQ(job_time_left("squeue: warning: slow\n1:00\n"), 60);
}

TEST(JobLimit, AnythingElseIsAnError) {
  for (const char* text :
       {"", "slurm_load_jobs error: Invalid job id specified\n", "2026-11-22T18:30:00\n", "1:2:3\n"}) {
    EXPECT_THAT(error_of([&] { job_time_left(text); }), testing::HasSubstr("1-02:03:04")) << text;
  }
}

// A script in place of squeue, first on the PATH.
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
  squeue("[ \"$*\" = '-h -j 77 -o %L' ] && echo 1:40");
  const std::optional<double> seconds = seconds_to_job_end();
  EXPECT_EQ(seconds, 100);
}

TEST_F(JobLimitOfASqueue, AnArraysTaskIsAskedForByItsNumber) {
  setenv("SLURM_ARRAY_JOB_ID", "77", 1);
  setenv("SLURM_ARRAY_TASK_ID", "3", 1);
  squeue("[ \"$3\" = 77_3 ] && echo 1:40");
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
