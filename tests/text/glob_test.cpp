#include "charrnn/text/source/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "../as_nobody.h"
#include "../temporary_folder.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class Glob : public testing::Test {
 protected:
  Glob() {
    for (const char* name :
         {"a.txt", "x/b.txt", "x/y/c.txt", "x/y/.c.txt", ".h/d.txt", "x/.h/e.txt", "z/[1].txt"}) {
      folder_.write(name, "");
    }
  }
  // Relative to the folder.
  std::vector<std::string> matches(const std::string& pattern) const {
    std::vector<std::string> found;
    for (const fs::path& path : match_glob(folder_ / pattern).paths) {
      found.push_back(path.lexically_relative(folder_.path()).string());
    }
    return found;
  }
  TemporaryFolder folder_;
};

// Expected: what Python's sorted(glob.glob(pattern, root_dir=FOLDER, recursive=True)) returns.
TEST_F(Glob, MatchesAsPythonDoes) {
  EXPECT_THAT(matches("*"), ElementsAre("a.txt", "x", "z"));
  EXPECT_THAT(matches("*.txt"), ElementsAre("a.txt"));
  EXPECT_THAT(matches("*/*.txt"), ElementsAre("x/b.txt", "z/[1].txt"));
  EXPECT_THAT(matches("**/*.txt"), ElementsAre("a.txt", "x/b.txt", "x/y/c.txt", "z/[1].txt"));
  EXPECT_THAT(matches("x/**/*.txt"), ElementsAre("x/b.txt", "x/y/c.txt"));
  EXPECT_THAT(matches("**/y/**/c.*"), ElementsAre("x/y/c.txt"));
  EXPECT_THAT(matches("**/.*.txt"), ElementsAre("x/y/.c.txt"));
  EXPECT_THAT(matches(".h/*"), ElementsAre(".h/d.txt"));
  EXPECT_THAT(matches("**/.h/*"), ElementsAre(".h/d.txt", "x/.h/e.txt"));
  EXPECT_THAT(matches("[a-x]/?.txt"), ElementsAre("x/b.txt"));
  EXPECT_THAT(matches("z/[[]1].txt"), ElementsAre("z/[1].txt"));
  EXPECT_THAT(matches("x**"), ElementsAre("x"));  // within a part it is a star
  EXPECT_THAT(matches("none/**/*.txt"), IsEmpty());
  EXPECT_THAT(matches("a.txt/**"), IsEmpty());
}

TEST_F(Glob, FollowsLinksUntilTheyComeBack) {
  fs::create_directory_symlink(folder_.path(), folder_ / "x/y/up");
  fs::create_directory_symlink(folder_ / "z", folder_ / "x/link");
  EXPECT_THAT(matches("x/**/*.txt"),
              ElementsAre("x/b.txt", "x/link/[1].txt", "x/y/c.txt", "x/y/up/a.txt", "x/y/up/z/[1].txt"));
}

TEST_F(Glob, IsRelativeToTheCurrentFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  EXPECT_THAT(match_glob("**/b.txt").paths, ElementsAre("x/b.txt"));
  EXPECT_THAT(match_glob("x/*.txt").paths, ElementsAre("x/b.txt"));
  fs::current_path(before);
}

TEST_F(Glob, ReportsFoldersThatItCannotRead) {
  const AsNobody nobody(folder_.path());  // root reads everything
  chmod((folder_ / "x").c_str(), 0);
  EXPECT_THAT(match_glob(folder_ / "**/*.txt").unreadable, ElementsAre(folder_ / "x"));
  chmod((folder_ / "x").c_str(), 0700);
}

TEST(MatchesName, TwoStarsAlsoStandForNothing) {
  EXPECT_TRUE(matches_name("letters/*", "letters/a/b.txt"));  // a star stands for slashes, too
  EXPECT_TRUE(matches_name("letters/**/b.txt", "letters/b.txt"));
  EXPECT_TRUE(matches_name("**/b.txt", "b.txt"));
  EXPECT_TRUE(matches_name("**/b.txt", "a/b.txt"));
  EXPECT_TRUE(matches_name("a/**/c/**/d", "a/c/x/d"));
  EXPECT_FALSE(matches_name("**/b.txt", "bb.txt"));
  EXPECT_FALSE(matches_name("x**/b.txt", "b.txt"));
}

}  // namespace
}  // namespace charrnn
