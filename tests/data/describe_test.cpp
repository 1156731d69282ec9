#include "data/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "../temporary_folder.h"
#include "data/corpus_builder.h"

namespace charrnn {
namespace {

using testing::HasSubstr;

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
  EXPECT_THAT(text, HasSubstr("characters\n  decoded  8,411\n  kept     8,411\n"));
  EXPECT_THAT(text, HasSubstr("most frequent: line end 1,200, space 1,200, 'e' 1,200"));
  EXPECT_THAT(text, HasSubstr("... and 2 more"));
  EXPECT_THAT(text, HasSubstr("  train       7,579        7,579       1    7,579\n"));
  EXPECT_THAT(text, HasSubstr("first lines of test\n"));
  EXPECT_THAT(text, HasSubstr("  | line 0\n"));
  EXPECT_THAT(text, HasSubstr("vocabulary: 18 bytes, hash "));
  EXPECT_THAT(text, HasSubstr("marks to beat, in bits per character: unigram "));
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
  EXPECT_THAT(text, HasSubstr("not read, for they lie behind corpus.max_characters\n  2.txt\n"));
  EXPECT_THAT(text, HasSubstr("targets: targets.txt, 8 characters, each the target of"));
  EXPECT_THAT(text, HasSubstr("  | ab\n  and their targets\n  | ohlol\n  | AB\n"));
  EXPECT_THAT(text, HasSubstr("(of the targets): unigram "));
  const auto shard = describe_shard(folder_ / "few/out/train-00000.h5");
  EXPECT_EQ(shard["first_target_characters"], "ohlol\nAB");
  EXPECT_THAT(shard_text(shard), HasSubstr("  their targets \"ohlol\\nAB\"\n"));
}

TEST_F(Describe, AShard) {
  const auto shard = describe_shard(folder_ / "out/test-00000.h5");
  EXPECT_EQ(shard["split"], "test");
  EXPECT_EQ(shard["characters"], 843);
  EXPECT_EQ(shard["documents"], 11);
  EXPECT_EQ(shard["first_ids"].size(), 64u);
  EXPECT_THAT(shard["first_characters"].get<std::string>(), HasSubstr("\nline "));
  EXPECT_THAT(shard_text(shard), HasSubstr("843 characters of 1 byte(s), 11 documents begin here"));
  // Alone, without the vocabulary.
  std::filesystem::copy_file(folder_ / "out/test-00000.h5", folder_ / "alone.h5");
  EXPECT_THAT(shard_text(describe_shard(folder_ / "alone.h5")), HasSubstr("characters not shown"));
}

}  // namespace
}  // namespace charrnn
