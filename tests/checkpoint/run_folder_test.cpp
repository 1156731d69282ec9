#include "checkpoint/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "core/atomic_file.h"
#include "some_checkpoint.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class RunFolders : public testing::Test {
 protected:
  RunFolders() { run_.create(); }

  void save(int64_t step, bool is_best = false, int64_t keep = 2) {
    run_.save(some_checkpoint(step), is_best, keep);
  }

  std::string target(const std::string& link) const { return fs::read_symlink(run_.checkpoints() / link); }

  // Cuts the file of a step in half.
  void damage(int64_t step) const {
    fs::resize_file(run_.checkpoint(step), fs::file_size(run_.checkpoint(step)) / 2);
  }

  TemporaryFolder folder_;
  RunFolder run_{folder_ / "runs/a"};
};

TEST_F(RunFolders, NamesAreThoseOfTheDesign) {
  EXPECT_EQ(run_.checkpoint(1000), folder_ / "runs/a/checkpoints/step-000001000.safetensors");
  EXPECT_EQ(run_.checkpoint(12345678901).filename(), "step-12345678901.safetensors");
  EXPECT_TRUE(fs::is_directory(run_.checkpoints()));
  EXPECT_TRUE(run_.steps().empty());
  EXPECT_FALSE(run_.newest());
}

TEST_F(RunFolders, KeepsTheLastAndTheBest) {
  save(10);
  EXPECT_EQ(target("latest"), "step-000000010.safetensors");
  EXPECT_FALSE(fs::exists(run_.checkpoints() / "best"));
  save(20, true);
  save(30);
  EXPECT_THAT(run_.steps(), ElementsAre(30, 20));
  save(40);
  save(50);
  EXPECT_THAT(run_.steps(), ElementsAre(50, 40, 20));
  EXPECT_EQ(target("latest"), "step-000000050.safetensors");
  EXPECT_EQ(target("best"), "step-000000020.safetensors");
  save(60, true);
  EXPECT_THAT(run_.steps(), ElementsAre(60, 50));
  EXPECT_EQ(target("best"), "step-000000060.safetensors");
  save(70, false, 1);
  EXPECT_THAT(run_.steps(), ElementsAre(70, 60));
  EXPECT_EQ(read_checkpoint(run_.checkpoints() / "latest").progress.step, 70);
}

TEST_F(RunFolders, ElevenDigitsSortAsNumbers) {
  save(999'999'999);
  save(1'000'000'000);
  EXPECT_THAT(run_.steps(), ElementsAre(1'000'000'000, 999'999'999));
}

TEST_F(RunFolders, SavingAStepAgainReplacesIt) {
  save(10);
  Checkpoint again = some_checkpoint(10);
  again.corpus_hash = "another";
  run_.save(again, true, 2);
  EXPECT_THAT(run_.steps(), ElementsAre(10));
  EXPECT_EQ(run_.newest()->corpus_hash, "another");
}

TEST_F(RunFolders, ADamagedFileIsPassedOver) {
  save(10, false, 3);
  save(20, false, 3);
  save(30, false, 3);
  EXPECT_EQ(run_.newest()->progress.step, 30);
  damage(30);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_.newest()->progress.step, 20);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("step-000000030.safetensors"), HasSubstr("damaged"), HasSubstr("going on from"),
                    HasSubstr("step-000000020.safetensors")));
  damage(20);
  EXPECT_EQ(run_.newest()->progress.step, 10);
  damage(10);
  EXPECT_THAT(error_of([&] { run_.newest(); }), HasSubstr("none of the 3 checkpoints"));
}

TEST_F(RunFolders, OtherFilesAreNoCheckpoints) {
  save(10);
  for (const char* name :
       {"step-.safetensors", "step-x.safetensors", "step-20.safetensors.bak", "notes.txt"}) {
    folder_.write(std::string("runs/a/checkpoints/") + name, "x");
  }
  EXPECT_THAT(run_.steps(), ElementsAre(10));
}

TEST_F(RunFolders, CreateRemovesWhatAKilledProcessLeftAndNothingElse) {
  save(10);
  const fs::path left = folder_.write("runs/a/checkpoints/step-000000020.safetensors.tmp-4711", "half");
  const fs::path left_above = folder_.write("runs/a/config.yaml.tmp-4711", "half");
  const fs::path link = run_.checkpoints() / "latest.tmp-4711";
  fs::create_symlink("nowhere", link);
  const fs::path metrics = folder_.write("runs/a/metrics.jsonl", "{}\n");
  run_.create();
  EXPECT_FALSE(fs::exists(left));
  EXPECT_FALSE(fs::exists(left_above));
  EXPECT_FALSE(fs::is_symlink(link));
  EXPECT_TRUE(fs::exists(metrics));
  EXPECT_EQ(run_.newest()->progress.step, 10);
}

TEST_F(RunFolders, AFolderThatCannotBeMadeIsAUsageError) {
  folder_.write("file", "x");
  EXPECT_THAT(usage_error_of([&] { RunFolder(folder_ / "file/run").create(); }), HasSubstr("run.output"));
}

TEST_F(RunFolders, OneProcessHoldsTheLock) {
  auto lock = std::make_unique<FolderLock>(run_.path());
  EXPECT_THAT(usage_error_of([&] { FolderLock second(run_.path()); }),
              HasSubstr("another process is training"));
  lock.reset();
  EXPECT_NO_THROW(FolderLock(run_.path()));
}

TEST_F(RunFolders, AKilledProcessFreesTheLock) {
  std::array<int, 2> pipes{};
  ASSERT_EQ(pipe(pipes.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const FolderLock lock(run_.path());
    const bool told = write(pipes[1], "x", 1) == 1;
    while (told) pause();
    _exit(1);
  }
  char told = 0;
  ASSERT_EQ(read(pipes[0], &told, 1), 1);
  EXPECT_THAT(usage_error_of([&] { FolderLock second(run_.path()); }),
              HasSubstr("another process is training"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(FolderLock(run_.path()));
  close(pipes[0]);
  close(pipes[1]);
}

TEST_F(RunFolders, OpenRunTakesTheBestElseTheNewest) {
  fs::path file;
  EXPECT_THAT(usage_error_of([&] { open_run(folder_ / "nowhere"); }), HasSubstr("is not there"));
  EXPECT_THAT(usage_error_of([&] { open_run(run_.path()); }), HasSubstr("no checkpoint yet"));
  save(10);
  save(20);
  EXPECT_EQ(open_run(run_.path(), &file).progress.step, 20);
  EXPECT_EQ(file, run_.checkpoint(20));
  save(30, true);
  save(40);
  EXPECT_EQ(open_run(run_.path(), &file).progress.step, 30);
  EXPECT_EQ(file, run_.checkpoint(30));
  damage(30);
  EXPECT_EQ(open_run(run_.path(), &file).progress.step, 40);
  EXPECT_EQ(file, run_.checkpoint(40));
  EXPECT_EQ(open_run(run_.checkpoint(40), &file).progress.step, 40);
  EXPECT_EQ(open_run(run_.checkpoints() / "latest", &file).progress.step, 40);
  EXPECT_THAT(error_of([&] { open_run(run_.checkpoint(30)); }), HasSubstr("damaged"));
}

}  // namespace
}  // namespace charrnn
