#include "core/atomic_file.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "core/error.h"

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
