#include "text/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "../error_of.h"
#include "../temporary_folder.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const std::vector<std::string>& sources) {
  std::vector<std::string> found;
  for (const Document& document : find_documents(sources)) found.push_back(document.name);
  return found;
}

class Sources : public testing::Test {
 protected:
  Sources() {
    for (const char* name :
         {"b/2.txt", "b/10.txt", "a.txt", "c/d/e.md", ".hidden.txt", ".git/x.txt", "c/.x"}) {
      folder_.write(name, name);
    }
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  TemporaryFolder folder_;
};

TEST_F(Sources, AFolderGivesAllFilesBelowItByNameButHiddenOnes) {
  const std::vector<std::string> all = {"a.txt", "b/10.txt", "b/2.txt", "c/d/e.md"};
  EXPECT_EQ(names({folder_.path().string()}), all);
  EXPECT_EQ(names({folder_.path().string() + "/"}), all);
  EXPECT_EQ(find_documents({at("b")})[0].bytes, 8u);  // "b/10.txt"
}

TEST_F(Sources, AFileIsNamedByItself) {
  EXPECT_THAT(names({at("b/2.txt")}), ElementsAre("2.txt"));
}

TEST_F(Sources, AGlobNamesFilesFromItsFixedFolder) {
  EXPECT_THAT(names({at("*/*.txt")}), ElementsAre("b/10.txt", "b/2.txt"));
  EXPECT_THAT(names({at("b/[0-9].txt")}), ElementsAre("2.txt"));
  EXPECT_THAT(names({at("?")}), ElementsAre("b/10.txt", "b/2.txt", "c/d/e.md"));
}

TEST_F(Sources, AFileWithAStarInItsNameIsTakenLiterally) {
  folder_.write("b/*.txt", "");
  EXPECT_THAT(names({at("b/*.txt")}), ElementsAre("*.txt"));
}

TEST_F(Sources, KeepTheirOrderAndCountAFileOnce) {
  EXPECT_THAT(names({at("c"), at("b/2.txt"), at("b")}), ElementsAre("d/e.md", "2.txt", "10.txt"));
}

TEST_F(Sources, WhatIsMissingIsAUsageErrorThatSaysWhere) {
  std::filesystem::create_directory(folder_ / "empty");
  mkfifo((folder_ / "fifo").c_str(), 0600);
  EXPECT_THAT(usage_error_of([] { find_documents({}); }), HasSubstr("corpus.sources is empty"));
  EXPECT_THAT(usage_error_of([&] { find_documents({at("nothing.txt")}); }),
              AllOf(HasSubstr("found nothing at " + at("nothing.txt")), HasSubstr("seen from")));
  EXPECT_THAT(usage_error_of([&] { find_documents({at("*.epub")}); }), HasSubstr("no file matches the glob"));
  EXPECT_THAT(usage_error_of([&] { find_documents({at("empty")}); }), HasSubstr("has no files"));
  EXPECT_THAT(usage_error_of([&] { find_documents({at("fifo")}); }), HasSubstr("which is neither"));
}

}  // namespace
}  // namespace charrnn
