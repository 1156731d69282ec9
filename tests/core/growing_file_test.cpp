#include "charrnn/core/growing_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/stop_signal.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(GrowingFile, AppendsAndIsCutBack) {
  const TemporaryFolder folder;
  {
    GrowingFile file(folder / "a", 0);
    file.append("one\n");
    EXPECT_EQ(file.bytes(), 4u);
    EXPECT_EQ(read_file(folder / "a"), "one\n") << "written at once";
    file.append("two\n");
    file.append("three\n");
  }
  GrowingFile file(folder / "a", 8);
  EXPECT_EQ(file.bytes(), 8u);
  EXPECT_EQ(read_file(folder / "a"), "one\ntwo\n");
  EXPECT_EQ(read_file(folder / "discarded/a"), "three\n");
  file.append("other\n");
  EXPECT_EQ(read_file(folder / "a"), "one\ntwo\nother\n");
  EXPECT_EQ(file.bytes(), 14u);
}

TEST(GrowingFile, AFileShorterThanExpectedIsContinuedAtItsEnd) {
  const TemporaryFolder folder;
  folder.write("a", "one\n");
  testing::internal::CaptureStderr();
  GrowingFile file(folder / "a", 100);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::AllOf(HasSubstr("has 4 bytes"), HasSubstr("100")));
  file.append("two\n");
  EXPECT_EQ(read_file(folder / "a"), "one\ntwo\n");
  EXPECT_EQ(file.bytes(), 8u);
}

TEST(GrowingFile, MovesAndWritesNothingByDefault) {
  const TemporaryFolder folder;
  GrowingFile file;
  file.append("lost");
  EXPECT_EQ(file.bytes(), 0u);
  file = GrowingFile(folder / "a", 0);
  file.append("kept");
  GrowingFile other(std::move(file));
  other.append(" too");
  EXPECT_EQ(read_file(folder / "a"), "kept too");
  EXPECT_EQ(other.bytes(), 8u);
}

TEST(GrowingFile, WhatIsCutOffIsKeptInWholeLines) {
  const TemporaryFolder folder;
  folder.write("a", "one\ntwo\nthr");
  { GrowingFile file(folder / "a", 6); }  // within a line: cut back to the end of the previous one
  EXPECT_EQ(read_file(folder / "a"), "one\n");
  EXPECT_EQ(read_file(folder / "discarded/a"), "two\nthr\n");
  { GrowingFile file(folder / "a", 0); }
  EXPECT_EQ(read_file(folder / "a"), "");
  EXPECT_EQ(read_file(folder / "discarded/a"), "two\nthr\none\n");
}

TEST(GrowingFile, NothingIsCutOffThatCannotBeKept) {
  const TemporaryFolder folder;
  folder.write("a", "one\ntwo\n");
  folder.write("discarded", "a file");
  EXPECT_THAT(error_of([&] { GrowingFile file(folder / "a", 4); }), HasSubstr("discarded"));
  EXPECT_EQ(read_file(folder / "a"), "one\ntwo\n");
}

// Writes to /dev/full fail as on a full disk.
TEST(GrowingFile, AFullDiskEndsNothing) {
  const TemporaryFolder folder;
  fs::create_symlink("/dev/full", folder / "a");
  GrowingFile file(folder / "a", 0);
  file.append("one\n");
  file.append("two\n");
  EXPECT_EQ(file.waiting_bytes(), 8u);
  EXPECT_EQ(file.bytes(), 8u);
  EXPECT_EQ(file.failure(), "");
  fs::remove(folder / "a");
  file.restore();  // to a disk with space
  EXPECT_EQ(file.waiting_bytes(), 0u);
  EXPECT_EQ(read_file(folder / "a"), "one\ntwo\n");
  file.append("three\n");
  EXPECT_EQ(read_file(folder / "a"), "one\ntwo\nthree\n");
}

TEST(GrowingFile, MemoryForAFullDiskHasAnEnd) {
  const TemporaryFolder folder;
  fs::create_symlink("/dev/full", folder / "a");
  GrowingFile file(folder / "a", 0);
  const std::string text(GrowingFile::kMostWaiting / 2, 'x');
  for (int i = 0; i < 3; ++i) file.append(text);
  EXPECT_EQ(file.waiting_bytes(), GrowingFile::kMostWaiting);
  EXPECT_EQ(file.lost_bytes(), GrowingFile::kMostWaiting / 2);
}

// A limit of file sizes, as by ulimit -f.
TEST(GrowingFile, AnyOtherErrorIsKept) {
  const TemporaryFolder folder;
  ignore_write_signals();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  GrowingFile file(folder / "a", 0);
  const rlimit small{6, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  file.append("one\n");
  file.append("two\n");
  file.append("three\n");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_THAT(file.failure(), testing::AllOf(HasSubstr("File too large"), HasSubstr("/a")));
  EXPECT_EQ(read_file(folder / "a"), "one\ntw");
  GrowingFile again(folder / "a", file.bytes());
  EXPECT_EQ(read_file(folder / "a"), "one\n") << "the next start cuts the half line";
}

TEST(GrowingFile, ADeletedFileIsWrittenAgain) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "run");
  GrowingFile file(folder / "run/a", 0);
  file.append("one\n");
  fs::remove_all(folder / "run");
  file.append("two\n");
  fs::create_directories(folder / "run");
  folder.write("run/a", "of somebody else\n");
  file.restore();
  file.append("three\n");
  EXPECT_EQ(read_file(folder / "run/a"), "one\ntwo\nthree\n");
  EXPECT_EQ(read_file(folder / "run/discarded/a"), "of somebody else\n");
}

}  // namespace
}  // namespace charrnn
