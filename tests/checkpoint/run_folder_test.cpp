#include "charrnn/checkpoint/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "../as_nobody.h"
#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/checkpoint/run_claim.h"
#include "charrnn/core/atomic_file.h"
#include "some_checkpoint.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const char* const kForeign = "mine\n";

class RunFolders : public testing::Test {
 protected:
  RunFolders() { run_.create(true); }

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
  EXPECT_EQ(read_checkpoint(run_.checkpoints() / "latest").step, 70);
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

TEST_F(RunFolders, ADamagedFileIsSkipped) {
  save(10, false, 3);
  save(20, false, 3);
  save(30, false, 3);
  EXPECT_EQ(run_.newest()->step, 30);
  damage(30);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_.newest()->step, 20);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("step-000000030.safetensors"), HasSubstr("damaged"), HasSubstr("resuming from"),
                    HasSubstr("step-000000020.safetensors")));
  damage(20);
  EXPECT_EQ(run_.newest()->step, 10);
  damage(10);
  EXPECT_THAT(error_of([&] { run_.newest(); }), HasSubstr("none of the 3 checkpoints"));
}

TEST_F(RunFolders, AFileThatCannotBeOpenedIsNotTakenForADamagedOne) {
  save(10);
  save(20);
  fs::permissions(run_.checkpoint(20), fs::perms::none);
  const AsNobody nobody(folder_.path());
  EXPECT_THAT(error_of([&] { run_.newest(); }),
              AllOf(HasSubstr("step-000000020.safetensors"), HasSubstr("Permission denied"),
                    HasSubstr("move it away")));
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
  std::vector<fs::path> others;
  for (const char* name :
       {"ideas.tmp-monday.txt", "config.yaml.tmp-", "config.yaml.tmp-1x", "notes.tmp-4711"}) {
    others.push_back(folder_.write(std::string("runs/a/") + name, kForeign));
  }
  run_.create(false);
  EXPECT_TRUE(fs::exists(left)) << "another process may be writing it";
  run_.create(true);
  for (const fs::path& other : others) EXPECT_TRUE(fs::exists(other)) << other;
  EXPECT_FALSE(fs::exists(left));
  EXPECT_FALSE(fs::exists(left_above));
  EXPECT_FALSE(fs::is_symlink(link));
  EXPECT_TRUE(fs::exists(metrics));
  EXPECT_EQ(run_.newest()->step, 10);
}

TEST_F(RunFolders, ForeignFilesAreRefused) {
  for (const char* name : {"config.yaml", "vocabulary.json", "metrics.jsonl", "samples.txt"}) {
    const fs::path file = folder_.write(std::string("runs/a/") + name, kForeign);
    EXPECT_THAT(usage_error_of([&] { run_.refuse_foreign(); }),
                AllOf(HasSubstr(name), HasSubstr("run.output")));
    fs::remove(file);
  }
  folder_.write("runs/a/notes.txt", kForeign);
  EXPECT_NO_THROW(run_.refuse_foreign()) << "nothing that a run would overwrite";
}

TEST_F(RunFolders, AConfigOfTheUserIsRefusedInARunToo) {
  save(10);
  folder_.write("runs/a/config.yaml", "model: {hidden_size: 8}\n");
  EXPECT_THAT(usage_error_of([&] { run_.refuse_foreign(); }), HasSubstr("config.yaml"));
  folder_.write("runs/a/config.yaml", kConfigMark + std::string("model: {hidden_size: 8}\n"));
  EXPECT_NO_THROW(run_.refuse_foreign());
}

TEST_F(RunFolders, CheckpointsThatAreRecordedAndGoneAreRefused) {
  folder_.write("runs/a/metrics.jsonl", "{\"kind\":\"train\",\"step\":1}\n");
  EXPECT_NO_THROW(run_.refuse_foreign()) << "killed before the first";
  folder_.write(
      "runs/a/metrics.jsonl",
      "{\"kind\":\"checkpoint\",\"step\":10,\"epoch\":0.5}\n{\"kind\":\"checkpoint\",\"step\":20}\n");
  EXPECT_THAT(usage_error_of([&] { run_.refuse_foreign(); }),
              AllOf(HasSubstr("step 20"), HasSubstr("Copy them back"), HasSubstr("run.output")));
  save(10);
  EXPECT_NO_THROW(run_.refuse_foreign());
  testing::internal::CaptureStderr();
  run_.warn_of_lost();
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("of step 20"), HasSubstr("of step 10")));
}

TEST_F(RunFolders, OnlyCheckpointsOfOursAreRemoved) {
  const auto add_foreign = [&](int64_t step) { write_file_atomically(run_.checkpoint(step), kForeign); };
  add_foreign(5);
  save(7);
  fs::copy(run_.checkpoint(7), run_.checkpoint(6));  // its step is not that of its name
  add_foreign(99);
  for (const int64_t step : {10, 20, 30}) save(step, false, 1);
  EXPECT_THAT(run_.steps(), ElementsAre(99, 30, 6, 5));
  EXPECT_EQ(read_file(run_.checkpoint(5)), kForeign);
  run_.remove_after(7);
  EXPECT_THAT(run_.steps(), ElementsAre(99, 6, 5));
}

TEST_F(RunFolders, LinksMayBeFilesThatHoldTheName) {
  save(10, true);
  save(20);
  for (const char* name : {"latest", "best"}) {
    const fs::path link = run_.checkpoints() / name;
    const std::string text = target(name) + "\n";
    fs::remove(link);
    folder_.write(std::string("runs/a/checkpoints/") + name, text);
  }
  fs::path file;
  EXPECT_EQ(open_run(run_.path(), &file).step, 10);
  EXPECT_EQ(file, run_.checkpoint(10));
  EXPECT_EQ(open_run(run_.checkpoints() / "latest", &file).step, 20);
  EXPECT_EQ(checkpoint_file(run_.checkpoints() / "latest"), run_.checkpoint(20));
  for (const int64_t step : {30, 40}) save(step, false, 1);
  EXPECT_THAT(run_.steps(), ElementsAre(40, 10)) << "the best stays";
}

// cp -L, or a cloud file system, replaces links by files.
TEST_F(RunFolders, LinksMayHaveBecomeCopies) {
  save(10, true);
  fs::remove(run_.checkpoints() / "best");
  fs::copy(run_.checkpoint(10), run_.checkpoints() / "best");
  for (const int64_t step : {30, 40}) save(step, false, 1);
  EXPECT_THAT(run_.steps(), ElementsAre(40, 10));
  EXPECT_EQ(open_run(run_.path()).step, 10);
}

TEST_F(RunFolders, ABestThatIsGoneIsAWarning) {
  save(10, true);
  save(20);
  fs::remove(run_.checkpoint(10));
  testing::internal::CaptureStderr();
  EXPECT_EQ(open_run(run_.path()).step, 20);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("step-000000010.safetensors"));
}

TEST_F(RunFolders, EventFilesSortInTheOrderOfTheirStarts) {
  const std::string first = "events.out.tfevents.charrnn.0000000001";
  EXPECT_EQ(run_.next_events().filename(), first);
  folder_.write("runs/a/" + first, "");
  folder_.write("runs/a/events.out.tfevents.charrnn.0000000009", "");
  EXPECT_EQ(run_.next_events().filename(), "events.out.tfevents.charrnn.0000000010");
}

using RunClaims = RunFolders;

TEST_F(RunClaims, OneProcessHoldsIt) {
  auto claim = std::make_unique<RunClaim>(run_.path());
  EXPECT_TRUE(claim->is_exclusive());
  claim->keep();
  EXPECT_THAT(usage_error_of([&] { RunClaim second(run_.path()); }),
              AllOf(HasSubstr("another process is training"), HasSubstr(concat("process ", getpid(), ")"))));
  claim.reset();
  EXPECT_NO_THROW(RunClaim(run_.path()));
}

TEST_F(RunClaims, AKilledProcessFreesIt) {
  std::array<int, 2> pipes{};
  ASSERT_EQ(pipe(pipes.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const RunClaim claim(run_.path());
    const bool told = write(pipes[1], "x", 1) == 1;
    while (told) pause();
    _exit(1);
  }
  char told = 0;
  ASSERT_EQ(read(pipes[0], &told, 1), 1);
  EXPECT_THAT(usage_error_of([&] { RunClaim second(run_.path()); }),
              HasSubstr("another process is training"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(RunClaim(run_.path()));
  close(pipes[0]);
  close(pipes[1]);
}

TEST_F(RunClaims, ARefusedStartLeavesNothing) {
  { RunClaim claim(folder_ / "new/deep/run"); }
  EXPECT_FALSE(fs::exists(folder_ / "new"));
  { RunClaim claim(run_.path()); }
  EXPECT_FALSE(fs::exists(run_.path() / ".lock")) << "the folder was there, the lock was not";
  {
    RunClaim claim(folder_ / "new/run");
    claim.keep();
  }
  EXPECT_TRUE(fs::exists(folder_ / "new/run/.lock"));
  { RunClaim claim(folder_ / "new/run"); }
  EXPECT_TRUE(fs::exists(folder_ / "new/run/.lock")) << "not of this start";
}

TEST_F(RunClaims, AFolderThatMovesIsNoticed) {
  RunClaim claim(run_.path());
  claim.keep();
  EXPECT_TRUE(claim.is_in_place());
  fs::rename(run_.path(), folder_ / "runs/b");
  EXPECT_FALSE(claim.is_in_place());
  fs::create_directories(run_.path());
  EXPECT_FALSE(claim.is_in_place());
  RunClaim other(run_.path());
  EXPECT_FALSE(claim.is_in_place());
}

TEST_F(RunClaims, AFolderThatCannotBeMadeIsAUsageError) {
  folder_.write("file", "x");
  EXPECT_THAT(usage_error_of([&] { RunClaim(folder_ / "file/run"); }), HasSubstr("run.output"));
  const AsNobody nobody(folder_.path());
  fs::permissions(run_.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(usage_error_of([&] { RunClaim claim(run_.path()); }), HasSubstr("Permission denied"));
  fs::permissions(run_.path(), fs::perms::owner_all);
}

TEST_F(RunFolders, OpenRunTakesTheBestElseTheNewest) {
  fs::path file;
  EXPECT_THAT(usage_error_of([&] { open_run(folder_ / "nowhere"); }), HasSubstr("does not exist"));
  EXPECT_THAT(usage_error_of([&] { open_run(run_.path()); }), HasSubstr("no checkpoint yet"));
  save(10);
  save(20);
  EXPECT_EQ(open_run(run_.path(), &file).step, 20);
  EXPECT_EQ(file, run_.checkpoint(20));
  save(30, true);
  save(40);
  EXPECT_EQ(open_run(run_.path(), &file).step, 30);
  EXPECT_EQ(file, run_.checkpoint(30));
  damage(30);
  EXPECT_EQ(open_run(run_.path(), &file).step, 40);
  EXPECT_EQ(file, run_.checkpoint(40));
  EXPECT_EQ(open_run(run_.checkpoint(40), &file).step, 40);
  EXPECT_EQ(open_run(run_.checkpoints() / "latest", &file).step, 40);
  EXPECT_THAT(error_of([&] { open_run(run_.checkpoint(30)); }), HasSubstr("damaged"));
}

}  // namespace
}  // namespace charrnn
