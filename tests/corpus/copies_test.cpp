#include "charrnn/corpus/copy_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/corpus/describe.h"
#include "charrnn/corpus/report.h"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Sentences of random words, different for each seed.
std::string sentence(uint64_t seed, size_t words = 60) {
  std::mt19937_64 random(seed);
  std::string text;
  for (size_t i = 0; i < words; ++i) {
    for (size_t k = 2 + random() % 7; k > 0; --k) text += static_cast<char>('a' + random() % 26);
    text += ' ';
  }
  text.back() = '\n';
  return text;
}

// The groups of documents, read with one document per block, or in blocks of a few bytes.
std::vector<uint32_t> groups(const std::vector<std::string>& texts, size_t block_bytes = 1 << 20) {
  CopyFinder finder;
  std::vector<DocumentLength> documents;
  for (const std::string& text : texts) {
    for (size_t at = 0; at == 0 || at < text.size(); at += block_bytes) {
      CleanBlock clean;
      clean.block.text = text.substr(at, block_bytes);
      clean.block.first = at == 0;
      clean.block.last = at + block_bytes >= text.size();
      clean.parts.push_back(
          {.begins = at == 0, .bytes = clean.block.text.size(), .units = clean.block.text.size()});
      BlockPrints prints;
      prints.make(clean);
      finder.add(clean, prints);
    }
    documents.push_back({0, text.size()});
  }
  return finder.groups(documents, 2);
}

TEST(CopyFinder, FindsEqualAndNearlyEqualDocuments) {
  const std::string changed = sentence(1, 200) + sentence(2, 20);  // 10 % more
  const std::string half = sentence(1, 100) + sentence(3, 100);
  const std::vector<std::string> texts = {
      sentence(4), sentence(1, 200), changed,      "", sentence(4), half, "Thank you.\n",
      "",          "Thank you.\n",   "thank you\n"};
  for (const size_t block_bytes : {size_t{1} << 20, size_t{100}, size_t{7}}) {
    EXPECT_THAT(groups(texts, block_bytes), ElementsAre(0, 1, 1, 3, 0, 5, 6, 7, 6, 6)) << block_bytes;
  }
}

// Like boilerplate: the rest of each text is different.
TEST(CopyFinder, ACommonBeginningDoesNotMakeCopies) {
  std::vector<std::string> texts;
  const std::string beginning = sentence(1, 20);
  for (uint64_t i = 0; i < 100; ++i) texts.push_back(beginning + sentence(10 + i));
  texts.push_back(beginning + sentence(10));
  std::vector<uint32_t> expected(texts.size());
  for (uint32_t i = 0; i < expected.size(); ++i) expected[i] = i;
  expected.back() = 0;
  EXPECT_EQ(groups(texts), expected);
}

class CopiesInCorpus : public testing::Test {
 protected:
  CopiesInCorpus() {
    settings_.sources = {(folder_ / "in").string()};
    settings_.output = (folder_ / "out").string();
    settings_.split = {.by = SplitBy::kDocument, .valid = 0.2, .test = 0.2};
    for (uint64_t i = 0; i < 12; ++i) {
      const std::string name = "in/" + std::to_string(10 + i);
      folder_.write(name + ".txt", sentence(i, 300));
      folder_.write(name + "-0.txt", i % 2 == 0 ? sentence(i, 300) : "Another edition. " + sentence(i, 300));
    }
  }
  nlohmann::ordered_json build() {
    build_corpus(settings_);
    return describe_corpus(settings_.output);
  }
  TemporaryFolder folder_;
  CorpusSettings settings_;
};

TEST_F(CopiesInCorpus, AreReportedWithTheShareOfHeldOutText) {
  const auto corpus = build();
  const auto& copies = corpus["copies"];
  EXPECT_EQ(copies["documents"], 12);
  // Of the names' hashes: who is held out, and whose other edition is not.
  std::map<std::string, std::string> split;
  for (const auto& source : corpus["sources"]) split[source["name"]] = source["split"];
  uint64_t held_out = 0, equal = 0, characters = 0, all = 0;
  for (const auto& source : corpus["sources"]) {
    const std::string name = source["name"];
    if (split[name] == "train") continue;
    all += source["characters"].get<uint64_t>();
    const std::string other = name.size() == 6 ? name.substr(0, 2) + "-0.txt" : name.substr(0, 2) + ".txt";
    if (split[other] != "train") continue;
    ++held_out;
    characters += source["characters"].get<uint64_t>();
    equal += std::stoi(name) % 2 == 0 ? 1 : 0;
  }
  ASSERT_GT(held_out, 2u);
  ASSERT_GT(equal, 0u);
  EXPECT_EQ(copies["held_out_with_copies_in_train"], held_out);
  EXPECT_EQ(copies["equal"], equal);
  EXPECT_EQ(copies["characters"], characters);
  EXPECT_EQ(copies["of_held_out_characters"], all);
  const std::string text = corpus_text(corpus);
  EXPECT_THAT(text,
              HasSubstr("copies: " + std::to_string(held_out) + " held-out documents with a copy in train"));
  EXPECT_THAT(text, HasSubstr("-0.txt (valid) is "));
  EXPECT_THAT(text, HasSubstr("--set corpus.split.copies=together"));
}

TEST_F(CopiesInCorpus, StayTogetherIfRequested) {
  settings_.split.copies = Copies::kTogether;
  const auto corpus = build();
  EXPECT_EQ(corpus["copies"]["documents"], 12);
  EXPECT_EQ(corpus["copies"]["held_out_with_copies_in_train"], 0);
  std::map<std::string, std::set<std::string>> splits;
  uint64_t valid = 0, all = 0;
  for (const auto& source : corpus["sources"]) {
    splits[source["name"].get<std::string>().substr(0, 2)].insert(source["split"]);
    all += source["characters"].get<uint64_t>();
    if (source["split"] == "valid") valid += source["characters"].get<uint64_t>();
  }
  for (const auto& [book, found] : splits) EXPECT_EQ(found.size(), 1u) << book;
  EXPECT_NEAR(static_cast<double>(valid) / static_cast<double>(all), 0.2, 0.1);
  settings_.split.by = SplitBy::kTail;
  EXPECT_THAT(usage_error_of([&] { build(); }),
              HasSubstr("corpus.split.copies: together needs whole documents"));
}

TEST_F(CopiesInCorpus, JsonLinesAndTailsToo) {
  std::string lines;
  for (int i = 0; i < 20; ++i)
    lines += nlohmann::json{{"text", sentence(static_cast<uint64_t>(i % 19))}}.dump() + "\n";
  settings_.sources = {folder_.write("posts.jsonl", lines).string()};
  settings_.split = {.by = SplitBy::kTail, .valid = 0.07, .test = 0};
  const auto copies =
      build()["copies"];  // the last line is the first again, and the border is inside line 19
  EXPECT_EQ(copies["held_out_with_copies_in_train"], 1);
  EXPECT_EQ(copies["first"][0]["name"], "posts.jsonl:20");
  EXPECT_EQ(copies["first"][0]["copy_in_train"], "posts.jsonl:1");
  EXPECT_EQ(copies["first"][0]["equal"], true);
  settings_.split.copies = Copies::kIgnore;
  EXPECT_FALSE(build().contains("copies"));
}

TEST_F(CopiesInCorpus, DoNotDependOnThreadsOrBlocks) {
  std::string expected;
  for (const auto& [threads, block_bytes] : {std::pair(1, SourceReader::kBlockBytes), {2, 300}, {3, 1000}}) {
    build_corpus(settings_, {.threads = threads, .force = true, .block_bytes = block_bytes});
    const std::string manifest = read_file(folder_ / "out/manifest.json");
    if (expected.empty()) expected = manifest;
    EXPECT_EQ(manifest, expected) << threads;
  }
}

}  // namespace
}  // namespace charrnn
