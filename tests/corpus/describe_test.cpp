#include "charrnn/corpus/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "../temporary_folder.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/corpus/report.h"

namespace charrnn {
namespace {

using testing::HasSubstr;
using testing::Not;

class Describe : public testing::Test {
 protected:
  Describe() {
    CorpusSettings settings;
    for (int i = 0; i < 1200; ++i) text_ += "line " + std::to_string(i % 10) + "\n";
    settings.sources = {folder_.write("in/story.txt", text_).string()};
    for (int i = 0; i < 11; ++i)
      settings.sources.push_back(folder_.write("in/" + std::to_string(i), "é").string());
    settings.output = (folder_ / "out").string();
    settings.unit = Unit::kByte;
    settings.split = {.by = SplitBy::kTail, .valid = 0, .test = 0.1};
    build_corpus(settings);
  }
  TemporaryFolder folder_;
  std::string text_;
};

TEST_F(Describe, ACorpus) {
  const auto corpus = describe_corpus(folder_ / "out");
  EXPECT_EQ(corpus["splits"][0]["first_lines"].dump(), R"(["line 0","line 1","line 2"])");
  EXPECT_EQ(corpus["vocabulary"]["size"], 18);  // l i n e, space, line feed, ten digits, two bytes of é
  const std::string text = corpus_text(corpus);
  EXPECT_THAT(text, HasSubstr("sources: 12 files, 8,422 bytes"));
  EXPECT_THAT(text, HasSubstr("  story.txt  8,400    8,400  8,400         ASCII\n"));
  EXPECT_THAT(text, HasSubstr("characters before and after cleaning\n  decoded  8,411\n  kept     8,411\n"));
  EXPECT_THAT(text, HasSubstr("most frequent: line end 1,200, space 1,200, 'e' 1,200"));
  EXPECT_THAT(text, HasSubstr("... and 2 more"));
  EXPECT_THAT(text, HasSubstr("  train       7,579        7,579       1          7,579\n"));
  EXPECT_THAT(text, HasSubstr("first lines of test\n"));
  EXPECT_THAT(text, HasSubstr("  | line 0\n"));
  EXPECT_THAT(text, HasSubstr("vocabulary: 18 bytes, hash "));
  EXPECT_THAT(text, HasSubstr("baselines, in bits per character: unigram "));
  EXPECT_EQ(nlohmann::ordered_json::parse(json_line(corpus)), corpus);
}

TEST_F(Describe, TargetsAndTheCut) {
  CorpusSettings settings;
  settings.sources = {folder_.write("few/1.txt", "hello\nabcd").string(),
                      folder_.write("few/2.txt", "never read").string()};
  settings.targets = folder_.write("few/targets.txt", "ohlol\nABCD").string();
  settings.output = (folder_ / "few/out").string();
  settings.split = {.by = SplitBy::kTail, .valid = 0, .test = 0};
  settings.max_characters = 8;
  build_corpus(settings);
  const auto corpus = describe_corpus(folder_ / "few/out");
  EXPECT_EQ(corpus["targets"]["characters"], 8);
  EXPECT_EQ(corpus["splits"][0]["first_lines_of_targets"].dump(), R"(["ohlol","AB"])");
  const std::string text = corpus_text(corpus);
  EXPECT_THAT(text, HasSubstr("  max_characters  -2\n  kept             8\n"));
  EXPECT_THAT(text, HasSubstr("sources not read because they come after corpus.max_characters\n  2.txt\n"));
  EXPECT_THAT(text, HasSubstr("targets: targets.txt, 8 characters, one for each character of the corpus"));
  EXPECT_THAT(text, HasSubstr("  | ab\n  and their targets\n  | ohlol\n  | AB\n"));
  EXPECT_THAT(text, HasSubstr("(of the targets): unigram "));
  const auto shard = describe_shard(folder_ / "few/out/train-00000.h5");
  EXPECT_EQ(shard["first_target_characters"], "ohlol\nAB");
  EXPECT_THAT(shard_text(shard), HasSubstr("  their targets \"ohlol\\nAB\"\n"));
}

class Remarks : public testing::Test {
 protected:
  Remarks() {
    settings_.sources = {(folder_ / "in").string()};
    settings_.output = (folder_ / "out").string();
    settings_.split = {.by = SplitBy::kTail, .valid = 0, .test = 0};
  }
  std::string report() {
    build_corpus(settings_);
    return corpus_text(describe_corpus(settings_.output));
  }
  TemporaryFolder folder_;
  CorpusSettings settings_;
};

TEST_F(Remarks, DocumentsThatRunTogether) {
  folder_.write("in/1.txt", "one\n");
  folder_.write("in/2.txt", "two, without a line end");
  folder_.write("in/3.jsonl",
                "{\"text\":\"three\"}\n{\"text\":\"\"}\n{\"text\":\"four \"}\n{\"text\":\"five\"}\n");
  const std::string text = report();  // two|three and three|four; the last has none after it
  EXPECT_THAT(text, HasSubstr("2 documents run into the next without a line end or blank between them, such "
                              "as 2.txt\n"));
  EXPECT_THAT(text, HasSubstr("--set 'corpus.document_end=\"\\n\"'"));
  settings_.document_end = "\n";
  EXPECT_THAT(report(), Not(HasSubstr("run into the next")));
  settings_.document_end = "";
  settings_.join_lines = JoinLines::kSpace;  // a line end becomes a blank
  EXPECT_THAT(report(), HasSubstr("2 documents run"));
  settings_.join_lines = JoinLines::kNothing;  // as the corpus has it
  EXPECT_THAT(report(), Not(HasSubstr("run into the next")));
}

TEST_F(Remarks, InvisibleCharacters) {
  folder_.write("in/1.jsonl", "{\"text\":\"a\\u0000b\\u200b\\u200b\\ufeffc\\u001b[1m\\n\"}\n");
  settings_.document_end = "\x1e";
  std::string text = report();
  EXPECT_THAT(text, HasSubstr("invisible characters in the vocabulary (--set "
                              "corpus.invisible_characters=drop removes them)\n"
                              "  U+0000 control character, 1\n"
                              "  U+001B control character, 1\n"
                              "  U+200B ZERO WIDTH SPACE, 2\n"
                              "  U+FEFF ZERO WIDTH NO-BREAK SPACE, 1\n"));
  EXPECT_THAT(text, HasSubstr("  | a<U+0000>b<U+200B><U+200B><U+FEFF>c<U+001B>[1m\n"));
  EXPECT_THAT(text, HasSubstr("U+200B 2"));  // among the most frequent
  EXPECT_EQ(text.find('\0'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  settings_.invisible_characters = InvisibleCharacters::kDrop;
  text = report();
  EXPECT_THAT(text, Not(HasSubstr("invisible characters in the vocabulary")));
  EXPECT_THAT(text, HasSubstr("  invisible_characters  -5\n"));
  EXPECT_THAT(text, HasSubstr("  | abc[1m\n"));
}

TEST_F(Describe, AShard) {
  const auto shard = describe_shard(folder_ / "out/test-00000.h5");
  EXPECT_EQ(shard["split"], "test");
  EXPECT_EQ(shard["characters"], 843);
  EXPECT_EQ(shard["documents"], 11);
  EXPECT_EQ(shard["first_ids"].size(), 64u);
  EXPECT_THAT(shard["first_characters"].get<std::string>(), HasSubstr("\nline "));
  EXPECT_THAT(shard_text(shard), HasSubstr("843 ids, bytes in each: 1; 11 documents begin in it"));
  // A shard alone, without its vocabulary.
  std::filesystem::copy_file(folder_ / "out/test-00000.h5", folder_ / "alone.h5");
  EXPECT_THAT(shard_text(describe_shard(folder_ / "alone.h5")), HasSubstr("characters not shown"));
}

}  // namespace
}  // namespace charrnn
