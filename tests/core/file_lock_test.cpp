#include "charrnn/core/file_lock.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "../error_of.h"
#include "../temporary_folder.h"

namespace charrnn {
namespace {

TEST(FileLock, TheFileHasTheHolder) {
  const TemporaryFolder folder;
  FileLock first(folder / "lock");
  EXPECT_EQ(first.state(), FileLock::State::kHeld);
  EXPECT_TRUE(first.was_created());
  EXPECT_EQ(FileLock(folder / "lock").holder(), "");
  first.sign();
  const FileLock second(folder / "lock");
  EXPECT_EQ(second.state(), FileLock::State::kHeldElsewhere);
  EXPECT_FALSE(second.was_created());
  EXPECT_THAT(second.holder(),
              testing::MatchesRegex(" \\(host .+, process " + std::to_string(getpid()) + "\\)"));
}

TEST(FileLock, WhateverIsInTheFileIsNoHolder) {
  const TemporaryFolder folder;
  folder.write("lock", "something else\n");
  EXPECT_EQ(FileLock(folder / "lock").state(), FileLock::State::kHeld);
  const FileLock first(folder / "lock");
  folder.write("lock", std::string(1000, 'x'));
  EXPECT_EQ(FileLock(folder / "lock").holder(), "");
}

TEST(FileLock, AFileThatCannotBeOpenedIsAnError) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { FileLock lock(folder / "no such folder/lock"); }),
              testing::HasSubstr("no such folder"));
}

}  // namespace
}  // namespace charrnn
