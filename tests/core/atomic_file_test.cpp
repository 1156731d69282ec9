#include "charrnn/core/atomic_file.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFileTest() { fs::create_directories(folder_); }
  ~AtomicFileTest() override { fs::remove_all(folder_); }
  int64_t entries() const { return std::distance(fs::directory_iterator(folder_), fs::directory_iterator()); }
  const fs::path folder_ = fs::temp_directory_path() / ("charrnn-atomic-" + std::to_string(getpid()));
};

TEST_F(AtomicFileTest, CommittedFileIsWhole) {
  write_file_atomically(folder_ / "a", "one");
  write_file_atomically(folder_ / "a", "two");
  EXPECT_EQ(read_file(folder_ / "a"), "two");
  EXPECT_EQ(entries(), 1) << "no temporary file stays";
}

TEST_F(AtomicFileTest, AbandonedFileLeavesTheOldOne) {
  write_file_atomically(folder_ / "a", "old");
  {
    AtomicFile file(folder_ / "a");
    file.write("half of the n");
  }
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, LinkIsReplaced) {
  write_file_atomically(folder_ / "a", "A");
  write_file_atomically(folder_ / "b", "B");
  replace_link(folder_ / "latest", "a");
  replace_link(folder_ / "latest", "b");
  EXPECT_EQ(read_file(folder_ / "latest"), "B");
}

TEST_F(AtomicFileTest, ALinkIsReadInEitherForm) {
  EXPECT_FALSE(link_target(folder_ / "latest"));
  replace_link(folder_ / "latest", "a");
  EXPECT_EQ(link_target(folder_ / "latest"), "a");
  fs::remove(folder_ / "latest");
  write_file_atomically(folder_ / "latest", "b\n");
  EXPECT_EQ(link_target(folder_ / "latest"), "b");
  for (const std::string& no_name : {std::string(), std::string("a b\n"), std::string("../a\n"),
                                     std::string(300, 'a'), std::string("a\0b", 3)}) {
    write_file_atomically(folder_ / "latest", no_name);
    EXPECT_FALSE(link_target(folder_ / "latest")) << no_name;
  }
}

// As if killed between the two renames that replace a file on file systems where one rename cannot.
TEST_F(AtomicFileTest, LeftoversAreRemovedAndTheOnlyCopyIsKept) {
  for (const char* name :
       {"a", "a.old-12", "b.old-12", "b.tmp-12", "c.tmp-12", "other.tmp-12", "a.tmp-12x"}) {
    write_file_atomically(folder_ / name, name);
  }
  remove_leftovers(folder_, [](const std::string& file) { return file != "other"; });
  EXPECT_EQ(read_file(folder_ / "a"), "a");
  EXPECT_EQ(read_file(folder_ / "b"), "b.old-12");
  EXPECT_TRUE(fs::exists(folder_ / "other.tmp-12"));
  EXPECT_TRUE(fs::exists(folder_ / "a.tmp-12x"));
  EXPECT_EQ(entries(), 4);
}

TEST_F(AtomicFileTest, AFullDiskIsAnErrorOfItsOwn) {
  EXPECT_TRUE(is_disk_full(ENOSPC));
  EXPECT_TRUE(is_disk_full(EDQUOT));
  EXPECT_FALSE(is_disk_full(EIO));
  fs::create_symlink("/dev/full", folder_ / ("a.tmp-" + std::to_string(getpid())));
  EXPECT_THROW(write_file_atomically(folder_ / "a", "x"), DiskFullError);
  EXPECT_EQ(entries(), 0);
}

TEST_F(AtomicFileTest, ErrorsNameTheFile) {
  try {
    write_file_atomically(folder_ / "missing" / "a", "x");
    FAIL();
  } catch (const Error& problem) {
    EXPECT_THAT(problem.what(), testing::HasSubstr("missing"));
  }
  EXPECT_THROW(read_file(folder_ / "nothing"), Error);
  EXPECT_THROW(read_file(folder_), Error);
}

}  // namespace
}  // namespace charrnn
