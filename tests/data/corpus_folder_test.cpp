#include "charrnn/data/corpus_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/data/shard.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class CorpusFolders : public testing::Test {
 protected:
  CorpusFolders() {
    make("a", "abcdefghijklmnopqrst");  // train a-p, valid qrst
    make("b", "ABCDEFGHIJKLMNOPQRSTU");
  }

  void make(const std::string& name, const std::string& text, const std::string& targets = "") {
    CorpusSettings settings;
    settings.sources = {folder_.write(name + ".txt", text).string()};
    if (!targets.empty()) settings.targets = folder_.write(name + "-targets.txt", targets).string();
    settings.output = (folder_ / name).string();
    settings.split = {.by = SplitBy::kTail, .valid = 0.2, .test = 0};
    settings.shard_size = 10;
    build_corpus(settings);
  }

  CorpusFolder open() const { return CorpusFolder::open(folder_ / "a"); }
  std::string error() const {
    return error_of([&] { open(); });
  }

  // The error after one member of the manifest was changed.
  std::string manifest_error(const char* pointer, const Json& value) const {
    const std::string good = read_file(folder_ / "a/manifest.json");
    Json json = Json::parse(good);
    json[Json::json_pointer(pointer)] = value;
    folder_.write("a/manifest.json", json.dump());
    const std::string message = error();
    folder_.write("a/manifest.json", good);
    return message;
  }

  TemporaryFolder folder_;
};

TEST_F(CorpusFolders, KnowsItsParts) {
  const CorpusFolder corpus = open();
  EXPECT_EQ(corpus.vocabulary().size(), 20u);
  ASSERT_NE(corpus.split("train"), nullptr);
  EXPECT_EQ(corpus.split("train")->characters, 16u);
  EXPECT_EQ(corpus.split("train")->shards.size(), 2u);
  EXPECT_EQ(corpus.split("train")->shards[1].file, folder_ / "a/train-00001.h5");
  EXPECT_EQ(corpus.require_split("valid").utf8_bytes, 4u);
  EXPECT_EQ(corpus.split("test"), nullptr);
  EXPECT_EQ(corpus.baselines().unigram_bits, 4);  // 16 letters once each
  EXPECT_EQ(corpus.baselines().bigram_bits, 0);
  EXPECT_THAT(usage_error_of([&] { corpus.require_split("test"); }),
              AllOf(HasSubstr("no split test, only train, valid"), HasSubstr("corpus.split.test")));
  EXPECT_NE(corpus.hash(), CorpusFolder::open(folder_ / "b").hash());
  corpus.verify();
}

TEST_F(CorpusFolders, WhatIsNotThereSaysWhatToRun) {
  EXPECT_THAT(usage_error_of([&] { CorpusFolder::open(folder_ / "none"); }),
              AllOf(HasSubstr("no such folder"), HasSubstr("run charrnn_preprocess CONFIG")));
  fs::create_directory(folder_ / "empty");
  EXPECT_THAT(usage_error_of([&] { CorpusFolder::open(folder_ / "empty"); }), HasSubstr("no manifest.json"));
  fs::remove(folder_ / "a/vocabulary.json");
  EXPECT_THAT(error(), HasSubstr("vocabulary.json"));
}

TEST_F(CorpusFolders, AShardOfAnotherVocabularyIsNamed) {
  fs::copy_file(folder_ / "b/train-00001.h5", folder_ / "a/train-00001.h5",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(error(), AllOf(HasSubstr("a/train-00001.h5 was made with vocabulary "),
                             HasSubstr("expected that of the corpus"), HasSubstr("preprocess again")));
}

TEST_F(CorpusFolders, ShardsInTheWrongPlaceMissingOrCutShortAreNamed) {
  const std::string good = read_file(folder_ / "a/train-00001.h5");
  fs::copy_file(folder_ / "a/train-00000.h5", folder_ / "a/train-00001.h5",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(error(), HasSubstr("is by its attributes train-00000.h5 of 2, expected train-00001.h5 of 2"));
  folder_.write("a/train-00001.h5", good.substr(0, good.size() - 10));
  EXPECT_THAT(error(), AllOf(HasSubstr("train-00001.h5"), HasSubstr("cut short")));
  fs::remove(folder_ / "a/train-00001.h5");
  EXPECT_THAT(error(), AllOf(HasSubstr("train-00001.h5"), HasSubstr("does not exist")));
}

TEST_F(CorpusFolders, AnotherVocabularyFileIsNoticed) {
  fs::copy_file(folder_ / "b/vocabulary.json", folder_ / "a/vocabulary.json",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(error(),
              AllOf(HasSubstr("vocabulary.json has the hash"), HasSubstr("the manifest next to it lists")));
}

TEST_F(CorpusFolders, ADamagedManifestIsRefusedWithTheReason) {
  EXPECT_THAT(manifest_error("/format_version", 2),
              AllOf(HasSubstr("format version 2"), HasSubstr("reads 1")));
  EXPECT_THAT(manifest_error("/baselines", 1), HasSubstr("(baselines) is not an object"));
  EXPECT_THAT(manifest_error("/baselines/unigram_bits", "x"), HasSubstr("not a number"));
  EXPECT_THAT(manifest_error("/splits", 1), HasSubstr("not a list"));
  EXPECT_THAT(manifest_error("/splits", Json::array()), HasSubstr("no split \"train\""));
  EXPECT_THAT(manifest_error("/splits/0/shards", Json::array()), HasSubstr("no shards"));
  EXPECT_THAT(manifest_error("/splits/0/characters", 17),
              HasSubstr("has 17 characters, but its shards have 16"));
  EXPECT_THAT(manifest_error("/splits/0/shards/1/file", "../b/train-00001.h5"),
              HasSubstr("lists the shard ../b/train-00001.h5, expected train-00001.h5"));
  const Json longer = {{{"file", "valid-00000.h5"}, {"length", 5}, {"hash", ""}}};
  Json valid = {{"name", "valid"}, {"characters", 5}, {"utf8_bytes", 5}, {"shards", longer}};
  EXPECT_THAT(manifest_error("/splits/1", valid), HasSubstr("has 4 characters, the manifest lists 5"));
  folder_.write("a/manifest.json", "{");
  EXPECT_THAT(error(), HasSubstr("is not JSON"));
}

// The same vocabulary, ids and length, with targets and without.
TEST_F(CorpusFolders, AMixtureOfShardsWithTargetsAndWithoutIsRefused) {
  make("t", "abcdefghijklmnopqrst", "tsrqponmlkjihgfedcba");
  const CorpusFolder aligned = CorpusFolder::open(folder_ / "t");
  EXPECT_TRUE(aligned.has_targets());
  EXPECT_TRUE(aligned.require_split("valid").has_targets);
  EXPECT_FALSE(open().has_targets());
  EXPECT_EQ(aligned.vocabulary().hash(), open().vocabulary().hash());
  EXPECT_NE(aligned.hash(), open().hash());
  fs::copy_file(folder_ / "t/train-00001.h5", folder_ / "a/train-00001.h5",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(error(), AllOf(HasSubstr("a/train-00001.h5 is with aligned targets"),
                             HasSubstr("the manifest lists it without")));
  make("a", "abcdefghijklmnopqrst");
  fs::copy_file(folder_ / "a/valid-00000.h5", folder_ / "t/valid-00000.h5",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(error_of([&] { CorpusFolder::open(folder_ / "t"); }),
              AllOf(HasSubstr("t/valid-00000.h5 is without"), HasSubstr("lists it with aligned targets")));
}

TEST_F(CorpusFolders, VerifyFindsOneChangedTarget) {
  make("t", "abcdefghijklmnopqrst", "tsrqponmlkjihgfedcba");
  std::string bytes = read_file(folder_ / "t/valid-00000.h5");
  const size_t at = bytes.find(std::string("\x03\x02\x01\x00", 4));  // the ids of dcba
  ASSERT_NE(at, std::string::npos);
  CorpusFolder::open(folder_ / "t").verify();
  bytes[at + 2] = 5;
  folder_.write("t/valid-00000.h5", bytes);
  EXPECT_THAT(error_of([&] { CorpusFolder::open(folder_ / "t").verify(); }), HasSubstr("is damaged"));
}

TEST_F(CorpusFolders, VerifyFindsOneChangedCharacter) {
  const fs::path file = folder_ / "a/valid-00000.h5";
  std::string bytes = read_file(file);
  const size_t at = bytes.find("\x10\x11\x12\x13");  // the ids of qrst
  ASSERT_NE(at, std::string::npos);
  bytes[at + 2] = 0;
  folder_.write("a/valid-00000.h5", bytes);
  const CorpusFolder corpus = open();
  EXPECT_THAT(error_of([&] { corpus.verify(); }),
              AllOf(HasSubstr("valid-00000.h5"), HasSubstr("the file is damaged")));
}

TEST_F(CorpusFolders, OneThatWasBuiltAgainIsNoticedAtTheNextShard) {
  const CorpusFolder corpus = open();
  const SplitInfo& train = corpus.require_split("train");
  const auto problem = [&] { return error_of([&] { open_shard(train, 1); }); };
  EXPECT_EQ(open_shard(train, 1).info().length, 8u);
  const auto copy = [&](const char* from, const char* to) {
    fs::copy(folder_ / from, folder_ / to,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  };
  copy("a", "kept");
  // The same bytes again, as a copy or another build of the same text: the same corpus.
  fs::remove_all(folder_ / "a");
  copy("kept", "a");
  EXPECT_EQ(open_shard(train, 1).info().length, 8u);
  make("a", "abcdefghijklmnopqrst");
  EXPECT_EQ(open_shard(train, 1).info().length, 8u);
  // The same characters in another order: the vocabulary and all lengths are as before.
  make("a", "tsrqponmlkjihgfedcba");
  EXPECT_THAT(problem(), AllOf(HasSubstr("was built again"), HasSubstr("manifest.json was replaced"),
                               HasSubstr("charrnn_preprocess with the config of the run")));
  fs::remove_all(folder_ / "a");
  copy("kept", "a");
  make("d", "tsrqponmlkjihgfedcba");
  copy("d/train-00001.h5", "a/train-00001.h5");
  EXPECT_THAT(problem(), HasSubstr("train-00001.h5 has other contents"));
  fs::remove(folder_ / "a/train-00001.h5");
  EXPECT_THAT(problem(), HasSubstr("train-00001.h5 is gone"));
  copy("kept/train-00001.h5", "a/train-00001.h5");
  fs::remove(folder_ / "a/manifest.json");
  EXPECT_THAT(problem(), HasSubstr("manifest.json is gone"));
}

TEST_F(CorpusFolders, BytesOfTheFilesAreKnownWhereWholeFilesWentToASplit) {
  EXPECT_FALSE(open().require_split("valid").original_bytes) << "the split cuts a document";
  CorpusSettings settings;
  for (const char* name : {"one", "two", "three"}) {
    settings.sources.emplace_back(
        folder_.write(std::string(name) + ".txt", "Some Text\r\n" + std::string(name)).string());
  }
  settings.output = (folder_ / "c").string();
  settings.lower_case = true;
  settings.split = {.by = SplitBy::kDocument, .valid = 0.3, .test = 0.3};
  build_corpus(settings);
  const CorpusFolder corpus = CorpusFolder::open(folder_ / "c");
  uint64_t bytes = 0;
  for (const SplitInfo& split : corpus.splits()) {
    EXPECT_EQ(split.original_bytes.value(), split.utf8_bytes + 1) << "CR LF is one byte more";
    bytes += *split.original_bytes;
  }
  EXPECT_EQ(bytes, 3 * 11 + 3u + 3u + 5u);
}

}  // namespace
}  // namespace charrnn
