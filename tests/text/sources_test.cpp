#include "charrnn/text/source/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "../as_nobody.h"
#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/core/hash.h"
#include "charrnn/text/source/byte_source.h"
#include "charrnn/text/source/list_file.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Sources : public testing::Test {
 protected:
  Sources() {
    // Created in an order other than that of their names.
    for (const char* name :
         {"b/2.txt", "b/10.txt", "a.txt", "c/d/e.md", ".hidden.txt", ".git/x.txt", "c/.x"}) {
      folder_.write(name, name);
    }
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  FoundSources find(const std::vector<SourceSettings>& sources) const {
    CorpusSettings settings;
    settings.sources = sources;
    return find_sources(settings, spool_.path());
  }
  std::vector<std::string> names(const std::vector<SourceSettings>& sources) const {
    const FoundSources found = find(sources);
    for (const SourceProblem& problem : found.problems)
      ADD_FAILURE() << problem.name << " " << problem.reason;
    std::vector<std::string> all;
    for (const Source& source : found.sources) all.push_back(source.name);
    return all;
  }
  // "name reason" of the only problem, after the names that were found.
  std::string problem(const std::string& source) const {
    const FoundSources found = find({source});
    std::string text;
    for (const Source& some : found.sources) text += "[" + some.name + "] ";
    EXPECT_EQ(found.problems.size(), 1u);
    for (const SourceProblem& one : found.problems) text += one.name + " " + one.reason;
    return text;
  }

  TemporaryFolder folder_;
  TemporaryFolder spool_;
};

TEST_F(Sources, AFolderGivesAllFilesBelowItByNameButHiddenOnes) {
  const auto all = ElementsAre("a.txt", "b/10.txt", "b/2.txt", "c/d/e.md");
  EXPECT_THAT(names({folder_.path().string()}), all);
  EXPECT_THAT(names({folder_.path().string() + "/"}), all);
  EXPECT_THAT(names({at("b/../c/..//.")}), all);
  const FoundSources found = find({at("b")});
  EXPECT_EQ(found.sources.at(0).bytes, 8u);  // "b/10.txt"
  EXPECT_EQ(found.sources.at(0).file, at("b/10.txt"));
  EXPECT_EQ(found.sources.at(0).hash, "");
}

// b-1.txt comes before b/..., because '-' comes before '/': sorted by the whole name, not folder by folder.
TEST_F(Sources, NamesAreInTheOrderOfTheirBytes) {
  for (const char* name : {"b.txt", "b-1.txt", "Z.txt", "é.txt", "c/d.txt", "10.txt"})
    folder_.write(name, "");
  EXPECT_THAT(names({folder_.path().string()}),
              ElementsAre("10.txt", "Z.txt", "a.txt", "b-1.txt", "b.txt", "b/10.txt", "b/2.txt", "c/d.txt",
                          "c/d/e.md", "é.txt"));
}

TEST_F(Sources, AFileIsNamedByItself) {
  EXPECT_THAT(names({at("b/2.txt")}), ElementsAre("2.txt"));
  EXPECT_THAT(names({at(".hidden.txt")}), ElementsAre(".hidden.txt"));  // for it was named
}

TEST_F(Sources, AGlobNamesFilesRelativeToItsFixedFolder) {
  EXPECT_THAT(names({at("*/*.txt")}), ElementsAre("b/10.txt", "b/2.txt"));
  EXPECT_THAT(names({at("b/[0-9].txt")}), ElementsAre("2.txt"));
  EXPECT_THAT(names({at("?")}), ElementsAre("b/10.txt", "b/2.txt", "c/d/e.md"));
  EXPECT_THAT(names({at("*")}), ElementsAre("a.txt", "b/10.txt", "b/2.txt", "c/d/e.md"));
}

TEST_F(Sources, TwoStarsStandForAnyFolders) {
  folder_.write("c/d/2.txt", "");
  EXPECT_THAT(names({at("**/*.txt")}), ElementsAre("a.txt", "b/10.txt", "b/2.txt", "c/d/2.txt"));
  EXPECT_THAT(names({at("**/2.txt")}), ElementsAre("b/2.txt", "c/d/2.txt"));
  EXPECT_THAT(names({at("**")}), ElementsAre("a.txt", "b/10.txt", "b/2.txt", "c/d/2.txt", "c/d/e.md"));
  EXPECT_THAT(names({at("c/**/**/d/**/*.md")}), ElementsAre("d/e.md"));
  fs::create_directory_symlink(at("b"), at("b/round"));
  fs::create_directory_symlink(folder_.path(), at("b/up"));
  EXPECT_THAT(names({at("**/*.txt")}), ElementsAre("a.txt", "b/10.txt", "b/2.txt", "c/d/2.txt"));
  EXPECT_THAT(problem(at("**/*.epub")), HasSubstr("a glob that matches no file"));
}

TEST_F(Sources, AFileWithAStarInItsNameIsTakenLiterally) {
  folder_.write("b/*.txt", "");
  EXPECT_THAT(names({at("b/*.txt")}), ElementsAre("*.txt"));
}

TEST_F(Sources, KeepTheirOrderAndCountAFileOnce) {
  EXPECT_THAT(names({at("c"), at("b/2.txt"), at("b"), at("*"), at("b/../a.txt")}),
              ElementsAre("d/e.md", "2.txt", "10.txt", "a.txt"));
  fs::create_symlink(at("a.txt"), at("again.txt"));
  EXPECT_THAT(names({at("again.txt"), at("a.txt")}), ElementsAre("again.txt"));
}

TEST_F(Sources, LinksToFilesAreFollowedLinksToFoldersOnlyWhereNamed) {
  const TemporaryFolder other;
  other.write("far/x.txt", "far");
  fs::create_symlink(other / "far/x.txt", at("b/link.txt"));
  fs::create_directory_symlink(other / "far", at("b/folder"));
  fs::create_directory_symlink(at("b"), at("b/round"));
  testing::internal::CaptureStderr();
  EXPECT_THAT(names({at("b")}), ElementsAre("10.txt", "2.txt", "link.txt"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("2 links to a folder below"), HasSubstr("list it in corpus.sources")));
  EXPECT_THAT(names({at("b/folder")}), ElementsAre("x.txt"));
  EXPECT_THAT(names({at("b/f*")}), ElementsAre("folder/x.txt"));
}

TEST_F(Sources, AListNamesOthers) {
  const std::string list =
      "# files\r\n" + at("b/2.txt") + "\r\n \t\r\n" + at("*.txt") + " \t\n  # more\n" + at("c");
  folder_.write("lists/files.list", list);
  EXPECT_THAT(names({"@" + at("lists/files.list")}), ElementsAre("2.txt", "a.txt", "d/e.md"));
  const auto entries = ElementsAre(at("b/2.txt"), at("*.txt"), at("c"));
  EXPECT_THAT(read_list(at("lists/files.list"), "corpus.sources"), entries);
  // As editors save it: with a byte order mark, in UTF-16.
  folder_.write("lists/marked.list", "\xef\xbb\xbf" + list);
  EXPECT_THAT(read_list(at("lists/marked.list"), "corpus.sources"), entries);
  std::string wide = "\xff\xfe";
  for (const char c : list) wide += {c, '\0'};
  folder_.write("lists/wide.list", wide);
  EXPECT_THAT(read_list(at("lists/wide.list"), "corpus.sources"), entries);
  EXPECT_THAT(
      usage_error_of([&] { find({"@" + at("none.list")}); }),
      AllOf(HasSubstr("the list @" + at("none.list") + " of corpus.sources"), HasSubstr("No such file")));
  EXPECT_THAT(usage_error_of([&] { find({"@" + at("b")}); }), HasSubstr("not a regular file"));
  folder_.write("lists/empty.list", "# nothing\n");
  EXPECT_THAT(names({"@" + at("lists/empty.list")}), IsEmpty());
}

TEST_F(Sources, TheNameTellsTheFormat) {
  for (const char* name :
       {"1.jsonl", "2.ndjson", "3.jsonl.gz", "4.ndjson.zst", "5.json", "6.txt.gz", "7.gz", "8.jsonl.bz2"}) {
    folder_.write(std::string("formats/") + name, "");
  }
  std::string formats;
  for (const Source& source : find({at("formats")}).sources) {
    formats += source.format == SourceFormat::kJsonLines ? 'J' : 't';
  }
  EXPECT_EQ(formats, "JJJJtttt");
}

TEST_F(Sources, EachEntryMayHaveItsOwnCharsetAndField) {
  folder_.write("list", at("b/2.txt"));
  CorpusSettings settings;
  settings.json_field = "body";
  SourceSettings latin(at("a.txt"));
  latin.encoding = "ISO-8859-1";
  SourceSettings listed("@" + at("list"));
  listed.encoding = "KOI8-R";
  SourceSettings json(at("c"));
  json.json_field = "/meta/text";
  settings.sources = {latin, listed, json, at("b")};
  std::vector<Source> found = find_sources(settings, spool_.path()).sources;
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].encoding, "ISO-8859-1");
  EXPECT_EQ(found[0].format, SourceFormat::kText);
  EXPECT_EQ(found[0].json_field, "body");
  EXPECT_EQ(found[1].encoding, "KOI8-R");
  EXPECT_EQ(found[1].name, "2.txt");
  EXPECT_EQ(found[2].encoding, std::nullopt);
  EXPECT_EQ(found[2].format, SourceFormat::kJsonLines);  // whatever its name: it has a field
  EXPECT_EQ(found[2].json_field, "/meta/text");
  EXPECT_EQ(found[3].encoding, std::nullopt);
  settings.encoding = "UTF-8";
  found = find_sources(settings, spool_.path()).sources;
  EXPECT_EQ(found[0].encoding, "ISO-8859-1");
  EXPECT_EQ(found[3].encoding, "UTF-8");
}

TEST_F(Sources, WhatIsMissingIsAProblemWithItsPlace) {
  EXPECT_THAT(usage_error_of([&] { find({}); }), HasSubstr("corpus.sources is empty"));
  EXPECT_THAT(problem(at("nothing.txt")),
              AllOf(HasSubstr(at("nothing.txt") + " does not exist"), HasSubstr("seen from")));
  EXPECT_THAT(problem(at("*.epub")),
              AllOf(HasSubstr(at("*.epub")), HasSubstr("a glob that matches no file")));
  EXPECT_THAT(problem(at("none/*.txt")), HasSubstr("a glob that matches no file"));
  fs::create_directories(folder_ / "empty/more");
  folder_.write("empty/.hidden", "x");
  EXPECT_THAT(problem(at("empty")), HasSubstr("is a folder without files"));
  EXPECT_THAT(problem(at("a.txt/b")), HasSubstr("does not exist"));
  EXPECT_THAT(problem(std::string(5000, 'x')), HasSubstr("does not exist"));
}

TEST_F(Sources, WhatIsNotAFileIsAProblemAndTheRestIsFound) {
  mkfifo((folder_ / "b/fifo").c_str(), 0600);
  EXPECT_THAT(problem(at("b/fifo")), HasSubstr("fifo is neither a file nor a folder"));
  EXPECT_THAT(problem(at("b")),
              AllOf(HasSubstr("[10.txt] [2.txt] "), HasSubstr(at("b/fifo") + " is neither")));
  EXPECT_THAT(problem("/dev/null"), HasSubstr("/dev/null is neither"));
}

TEST_F(Sources, DanglingLinksAndLoopsAreProblems) {
  fs::create_symlink("nowhere", at("b/dangling"));
  const std::string dangling = at("b/dangling") + " ";
  EXPECT_THAT(problem(at("b/dangling")), AllOf(HasSubstr(dangling), HasSubstr("correct or remove it")));
  EXPECT_THAT(problem(at("b")), AllOf(HasSubstr("[10.txt] [2.txt] "), HasSubstr(dangling)));
  EXPECT_THAT(problem(at("b/d*")), HasSubstr(dangling));
  fs::remove(at("b/dangling"));
  fs::create_symlink("loop", at("b/loop"));
  EXPECT_THAT(problem(at("b/loop")), AllOf(HasSubstr(at("b/loop")), HasSubstr("Too many levels")));
  EXPECT_THAT(problem(at("b")), AllOf(HasSubstr("[10.txt] [2.txt] "), HasSubstr("Too many levels")));
  EXPECT_THAT(problem(at("b/l*")), HasSubstr("Too many levels"));
}

TEST_F(Sources, AGlobPassesOverLinksThatAreNoFolders) {
  fs::create_symlink("nowhere", at("dangling"));
  fs::create_symlink("loop", at("loop"));
  EXPECT_THAT(names({at("*/2.txt")}), ElementsAre("b/2.txt"));
  EXPECT_THAT(names({at("*/*.txt")}), ElementsAre("b/10.txt", "b/2.txt"));
}

TEST_F(Sources, AFolderThatCannotBeReadIsAProblem) {
  const AsNobody nobody(folder_.path());  // root reads everything
  chmod(at("b").c_str(), 0);
  EXPECT_THAT(problem(at("b")), HasSubstr("Permission denied"));
  EXPECT_THAT(problem(folder_.path().string()),
              AllOf(HasSubstr("[a.txt] [c/d/e.md] "), HasSubstr("Permission denied")));
  EXPECT_THAT(problem(at("*/*.txt")), HasSubstr("cannot be read"));
  chmod(at("b").c_str(), 0700);
}

TEST_F(Sources, StandardInputIsKeptCompressedAndReadOnce) {
  const std::string text(300000, 'x');
  const auto input = folder_.write("input", text);
  ASSERT_NE(std::freopen(input.c_str(), "r", stdin), nullptr);
  const FoundSources found = find({"-", at("a.txt"), "-"});
  ASSERT_EQ(found.sources.size(), 2u);
  EXPECT_THAT(found.problems, IsEmpty());
  const Source& source = found.sources[0];
  EXPECT_EQ(source.name, "standard-input");
  EXPECT_EQ(source.format, SourceFormat::kText);
  EXPECT_EQ(source.bytes, 300000u);
  EXPECT_EQ(source.hash, hash_hex(text));
  EXPECT_EQ(source.file.parent_path(), spool_.path());
  EXPECT_LT(fs::file_size(source.file), 1000u);
  std::string read(text.size() + 1, '\0');
  ByteSource copy(source.file);
  EXPECT_EQ(copy.read(read), text.size());
  EXPECT_TRUE(read.starts_with(text));
}

}  // namespace
}  // namespace charrnn
