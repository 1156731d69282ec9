#include "charrnn/corpus/corpus_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/hash.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/data/shard_reader.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class CorpusBuilder : public testing::Test {
 protected:
  CorpusBuilder() {
    settings_.sources = {(folder_ / "in").string()};
    settings_.output = (folder_ / "out").string();
    settings_.split = {.by = SplitBy::kTail, .valid = 0, .test = 0};
  }

  CorpusFolder build() {
    build_corpus(settings_);
    return CorpusFolder::open(settings_.output);
  }

  // The text of a split, its shards separated by bars.
  static std::string text_of(const CorpusFolder& corpus, std::string_view split,
                             ShardRow row = ShardRow::kIds) {
    std::string text;
    for (const auto& shard : corpus.require_split(split).shards) {
      if (!text.empty()) text += '|';
      std::vector<uint32_t> ids(shard.length);
      ShardReader(shard.file).read(0, ids, row);
      for (const uint32_t id : ids) text += corpus.vocabulary().decode(id);
    }
    return text;
  }

  static std::string targets_of(const CorpusFolder& corpus, std::string_view split) {
    return text_of(corpus, split, ShardRow::kTargets);
  }

  nlohmann::json manifest() const { return nlohmann::json::parse(read_file(folder_ / "out/manifest.json")); }

  // Name of each file in a folder with its bytes.
  static std::map<std::string, std::string> contents(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
      files[entry.path().filename().string()] = read_file(entry.path());
    }
    return files;
  }

  TemporaryFolder folder_;
  CorpusSettings settings_;
};

TEST_F(CorpusBuilder, CutsTheTailAcrossDocumentsAndShards) {
  folder_.write("in/1.txt", "abcdefg");
  folder_.write("in/2.txt", "");
  settings_.on_error = OnError::kSkip;         // 2.txt is empty
  folder_.write("in/3.txt", "hijklmnopqrst");  // 20 characters: train 14, valid 3, test 3
  settings_.split = {.by = SplitBy::kTail, .valid = 0.15, .test = 0.15};
  settings_.shard_size = 4;
  const CorpusFolder corpus = build();
  EXPECT_EQ(text_of(corpus, "train"), "abcd|efgh|ijk|lmn");
  EXPECT_EQ(text_of(corpus, "valid"), "opq");
  EXPECT_EQ(text_of(corpus, "test"), "rst");
  EXPECT_EQ(corpus.require_split("train").characters, 14u);
  const auto starts = [&](size_t shard) {
    return ShardReader(corpus.require_split("train").shards[shard].file).document_starts();
  };
  EXPECT_THAT(starts(0), ElementsAre(0));
  EXPECT_THAT(starts(1), ElementsAre(3));  // h
  EXPECT_THAT(starts(2), ElementsAre());
  corpus.verify();
}

TEST_F(CorpusBuilder, ADocumentAtTheBorderOfAShardBeginsTheNext) {
  folder_.write("in/1.txt", "abc");
  folder_.write("in/2.txt", "def");
  settings_.shard_size = 3;
  const CorpusFolder corpus = build();
  for (const auto& shard : corpus.require_split("train").shards) {
    EXPECT_THAT(ShardReader(shard.file).document_starts(), ElementsAre(0));
  }
}

TEST_F(CorpusBuilder, SplitsWholeDocumentsInSourceOrder) {
  for (int i = 0; i < 12; ++i) {
    folder_.write("in/" + std::to_string(10 + i) + ".txt", std::string(5, static_cast<char>('a' + i)));
  }
  settings_.split = {.by = SplitBy::kAuto, .valid = 0.2, .test = 0.1};
  const CorpusFolder corpus = build();
  std::string all;
  for (const char* split : {"train", "valid", "test"}) {
    const std::string text = text_of(corpus, split);
    EXPECT_TRUE(std::is_sorted(text.begin(), text.end())) << split;
    all += text;
  }
  EXPECT_EQ(corpus.require_split("valid").characters, 15u);  // 12 of 60 wanted: three documents of 5
  EXPECT_EQ(corpus.require_split("test").characters, 10u);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, "aaaaabbbbbcccccdddddeeeeefffffggggghhhhhiiiiijjjjjkkkkklllll");

  // The folder's place does not matter.
  fs::rename(folder_ / "in", folder_ / "elsewhere");
  settings_.sources = {(folder_ / "elsewhere").string()};
  EXPECT_EQ(build().hash(), corpus.hash());
}

TEST_F(CorpusBuilder, CountsUtf8BytesOfEachSplitBeforeUnknown) {
  folder_.write("in/a.txt", "\xef\xbb\xbfé漢\r\n🦊ab");  // é 漢 \n 🦊 | a b
  settings_.split = {.by = SplitBy::kTail, .valid = 0.34, .test = 0};
  settings_.vocabulary.max_size = 2;
  const CorpusFolder corpus = build();
  EXPECT_EQ(corpus.vocabulary().size(), 2u);
  EXPECT_TRUE(corpus.vocabulary().has_unknown());
  EXPECT_EQ(corpus.require_split("train").characters, 3u);
  EXPECT_EQ(corpus.require_split("train").utf8_bytes, 2u + 3 + 1);
  EXPECT_EQ(corpus.require_split("valid").utf8_bytes, 4u + 1 + 1);
}

TEST_F(CorpusBuilder, UnitByteCountsBytes) {
  folder_.write("in/a.txt", "aé\r\nb");
  settings_.unit = Unit::kByte;
  const CorpusFolder corpus = build();
  EXPECT_EQ(text_of(corpus, "train"), "aé\nb");
  EXPECT_EQ(corpus.require_split("train").characters, 5u);
  EXPECT_EQ(corpus.require_split("train").utf8_bytes, 5u);
  EXPECT_EQ(corpus.vocabulary().unit(), Unit::kByte);
}

TEST_F(CorpusBuilder, WidensIdsWithTheVocabulary) {
  std::string text;
  for (int i = 0; i < 257; ++i) {
    text += static_cast<char>(0xe4 + i / 64 / 64);
    text += static_cast<char>(0x80 + i / 64 % 64);
    text += static_cast<char>(0x80 + i % 64);
  }
  folder_.write("in/a.txt", text);
  const CorpusFolder corpus = build();
  EXPECT_EQ(corpus.vocabulary().size(), 257u);
  EXPECT_EQ(ShardReader(corpus.require_split("train").shards[0].file).info().id_bytes, 2);
  EXPECT_EQ(text_of(corpus, "train"), text);
}

TEST_F(CorpusBuilder, MarksAreOfTheTrainingSplitAfterUnknown) {
  folder_.write("in/a.txt",
                "abababab"
                "cdcdaacc");
  settings_.split.valid = 0.5;
  EXPECT_DOUBLE_EQ(build().baselines().unigram_bits, 1);
  EXPECT_DOUBLE_EQ(build().baselines().bigram_bits, 0);
  settings_.vocabulary.max_size = 2;  // a stays (6 times), b, c and d are <unk>: aUaUaUaU again
  EXPECT_DOUBLE_EQ(build().baselines().unigram_bits, 1);
  EXPECT_DOUBLE_EQ(build().baselines().bigram_bits, 0);
}

TEST_F(CorpusBuilder, EqualInputGivesEqualBytes) {
  for (int i = 0; i < 11; ++i)
    folder_.write("in/" + std::to_string(i), std::string(3000, static_cast<char>('a' + i)));
  settings_.split = {.by = SplitBy::kDocument, .valid = 0.1, .test = 0.1};
  settings_.shard_size = 5000;
  build();
  settings_.output = (folder_ / "out2").string();
  for (const int threads : {1, 2, 5}) {
    for (const size_t block_bytes : {size_t{7}, size_t{1000}, SourceReader::kBlockBytes}) {
      build_corpus(settings_, {.threads = threads, .force = true, .block_bytes = block_bytes});
      EXPECT_EQ(contents(folder_ / "out"), contents(folder_ / "out2")) << threads << ", " << block_bytes;
    }
  }
}

TEST_F(CorpusBuilder, ASecondRunEndsAtOnceUnlessSomethingChanged) {
  folder_.write("in/a.txt", "some text");
  folder_.write("in/b.txt", "more of it");
  folder_.write("lists/valid", "b.txt\n");
  settings_.split = {.by = SplitBy::kList, .valid_list = {"@" + (folder_ / "lists/valid").string()}};
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  EXPECT_TRUE(build_corpus(settings_).up_to_date);
  EXPECT_FALSE(build_corpus(settings_, {.force = true}).up_to_date);

  folder_.write("in/a.txt", "same size");
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  fs::rename(folder_ / "in/a.txt", folder_ / "in/0.txt");
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  folder_.write("lists/valid", "0.txt\n");
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  settings_.lower_case = true;
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  EXPECT_TRUE(build_corpus(settings_).up_to_date);
  folder_.write("in/c.txt", "a third");
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  fs::remove(folder_ / "out/train-00000.h5");
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  std::ofstream(folder_ / "out/manifest.json") << "{}";
  EXPECT_THAT(usage_error_of([&] { build_corpus(settings_); }),
              HasSubstr("its manifest.json is missing, damaged"));
}

// However the sources list it, a corpus among them is not read as text.
TEST_F(CorpusBuilder, TheCorpusMayBeAmongItsSources) {
  folder_.write("in/a.txt", "some text\n");
  settings_.output = (folder_ / "in/out").string();
  settings_.on_error = OnError::kSkip;
  for (const char* source : {"in", "in/*", "in/**/*"}) {
    settings_.sources = {(folder_ / source).string()};
    build_corpus(settings_, {.force = true});
    const auto first = contents(folder_ / "in/out");
    EXPECT_EQ(build_corpus(settings_).own_files.at(0).files.size(), 3u);
    EXPECT_TRUE(build_corpus(settings_).up_to_date);
    build_corpus(settings_, {.force = true});
    EXPECT_EQ(contents(folder_ / "in/out"), first);
    EXPECT_EQ(text_of(CorpusFolder::open(settings_.output), "train"), "some text\n");
  }
  settings_.sources = {settings_.output};
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("is in corpus.output"));
}

TEST_F(CorpusBuilder, SplitsByGivenLists) {
  for (const char* name : {"a1", "a2", "b", "c"}) folder_.write("in/" + std::string(name) + ".txt", name);
  settings_.split = {.by = SplitBy::kList, .valid_list = {"c.txt"}, .test_list = {"a*.txt"}};
  const CorpusFolder corpus = build();
  EXPECT_EQ(text_of(corpus, "train"), "b");
  EXPECT_EQ(text_of(corpus, "valid"), "c");
  EXPECT_EQ(text_of(corpus, "test"), "a1a2");
  settings_.split.valid_list = {};
  EXPECT_EQ(text_of(build(), "test"), "a1a2");
  EXPECT_EQ(CorpusFolder::open(settings_.output).split("valid"), nullptr);
  settings_.split.valid_list = {"a1.txt"};
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("is in both corpus.split.valid_list and"));
  settings_.split.valid_list = {"d.txt"};
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("no document of the corpus is called d.txt"));
  settings_.split = {.by = SplitBy::kList, .valid_list = {"*"}};
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("the split train would be empty"));
  settings_.split.valid_list = {"@nowhere"};
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("corpus.split.valid_list cannot be read"));
}

TEST_F(CorpusBuilder, ALineOfJsonIsADocument) {
  folder_.write("in/a.jsonl", R"({"text": "ab"}
{"text": ""}
{"text": "c\n"}
)");
  settings_.document_end = "#";
  settings_.split = {.by = SplitBy::kList, .valid_list = {"a.jsonl:3"}};
  const CorpusFolder corpus = build();
  EXPECT_EQ(text_of(corpus, "train"), "ab#");
  EXPECT_EQ(text_of(corpus, "valid"), "c\n#");
  const auto manifest = nlohmann::json::parse(read_file(folder_ / "out/manifest.json"));
  EXPECT_EQ(manifest["sources"][0]["documents"], 3);
  EXPECT_EQ(manifest["sources"][0]["characters"], 4);  // without the ends
}

TEST_F(CorpusBuilder, LeavesOutWhatCannotBeUsed) {
  folder_.write("in/a.txt", "text");
  folder_.write("in/binary", std::string("\x7f"
                                         "ELF\0\0",
                                         6));
  folder_.write("in/digits.txt", "12 34");
  folder_.write("in/empty", "");
  folder_.write("in/latin.txt", "caf\xe9 \xff\xfe text");
  folder_.write("in/lines.jsonl", "{\"text\": \"json\"}\n{\n");
  settings_.letters_only = true;
  settings_.encoding = "UTF-8";
  settings_.document_end = "#";
  EXPECT_THAT(usage_error_of([&] { build(); }),
              AllOf(HasSubstr("latin.txt: expected UTF-8"), HasSubstr("corpus.on_error: skip")));
  settings_.on_error = OnError::kSkip;
  const CorpusFolder corpus = build();
  EXPECT_EQ(text_of(corpus, "train"), "text#elf#json#");  // a charset given by hand is believed
  const auto manifest = nlohmann::json::parse(read_file(folder_ / "out/manifest.json"));
  EXPECT_EQ(manifest["left_out"].size(), 3u);
  EXPECT_EQ(manifest["left_out"][0]["name"], "digits.txt");
  EXPECT_THAT(manifest["left_out"][0]["reason"], HasSubstr("is empty after cleaning"));
  EXPECT_EQ(manifest["left_out"][1]["name"], "empty");
  EXPECT_THAT(manifest["left_out"][2]["reason"], HasSubstr("at byte 3"));
  EXPECT_EQ(manifest["sources"][2]["lines_left_out"], 1);
  EXPECT_TRUE(build_corpus(settings_).up_to_date);

  settings_.encoding.reset();
  EXPECT_EQ(text_of(build(), "train"), "text#caf text#json#");
}

TEST_F(CorpusBuilder, TakesAGivenVocabulary) {
  folder_.write("in/a.txt", "abcab");
  settings_.vocabulary.unknown = true;
  const Vocabulary old = build().vocabulary();
  folder_.write("in/a.txt", "bad dad");
  settings_.vocabulary = VocabularySettings();
  settings_.vocabulary.from = (folder_ / "out").string();
  settings_.output = (folder_ / "new").string();
  const CorpusFolder corpus = build();
  EXPECT_EQ(corpus.vocabulary().hash(), old.hash());
  EXPECT_EQ(text_of(corpus, "train"), "ba\uFFFD\uFFFD\uFFFDa\uFFFD");
  EXPECT_EQ(corpus.vocabulary().characters()[0].count, 4u);
  EXPECT_EQ(corpus.vocabulary().characters()[3].count, 0u);  // c
  const auto manifest = nlohmann::json::parse(read_file(folder_ / "new/manifest.json"));
  EXPECT_EQ(manifest["unknown"]["count"], 4);
  EXPECT_EQ(manifest["unknown"]["most_frequent"][0]["character"], "d");
  EXPECT_EQ(manifest["unknown"]["most_frequent"][0]["count"], 3);

  settings_.unit = Unit::kByte;
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("was made with unit code_point"));
  settings_.vocabulary.from = (folder_ / "nothing").string();
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("set it to a vocabulary.json"));
}

// Whatever the settings, every character is in one split, and every split has some.
TEST_F(CorpusBuilder, NoCharacterIsInTwoSplits) {
  std::string all;
  for (int i = 0; i < 23; ++i) {
    std::string text;
    for (int k = 0; k < 5 + i; ++k)
      append_utf8(static_cast<char32_t>(0x4e00 + all.size() + text.size()), text);
    folder_.write("in/" + std::to_string(100 + i), text);
    all += text;
  }
  for (const SplitBy by : {SplitBy::kTail, SplitBy::kDocument}) {
    for (const double share : {0.01, 0.2, 0.45}) {
      settings_.split = {.by = by, .valid = share, .test = share};
      settings_.shard_size = 50;
      const CorpusFolder corpus = build();
      std::u32string found;
      for (const char* split : {"train", "valid", "test"}) {
        std::string text = text_of(corpus, split);
        std::erase(text, '|');
        EXPECT_FALSE(text.empty());
        found += decode_utf8(text);
      }
      std::sort(found.begin(), found.end());
      EXPECT_EQ(found, decode_utf8(all));
    }
  }
}

TEST_F(CorpusBuilder, ManifestTellsWhatItWasMadeFrom) {
  folder_.write("in/a.txt", "one\r\n");
  folder_.write("in/b/c.txt", "two");
  build();
  const auto manifest = nlohmann::json::parse(read_file(folder_ / "out/manifest.json"));
  EXPECT_EQ(manifest["format_version"], 1);
  EXPECT_EQ(manifest["settings"]["split"]["by"], "tail");
  EXPECT_EQ(manifest["settings"]["vocabulary"]["max_size"], "none");
  EXPECT_FALSE(manifest["settings"].contains("output"));
  ASSERT_EQ(manifest["sources"].size(), 2u);
  EXPECT_EQ(manifest["sources"][0]["name"], "a.txt");
  EXPECT_EQ(manifest["sources"][0]["bytes"], 5);
  EXPECT_EQ(manifest["sources"][0]["characters"], 4);
  EXPECT_EQ(manifest["sources"][0]["hash"], hash_hex("one\r\n"));
  EXPECT_EQ(manifest["sources"][1]["name"], "b/c.txt");
}

TEST_F(CorpusBuilder, AStopAtAnyStageLeavesThingsAsTheyWere) {
  folder_.write("in/a.txt", std::string(2000000, 'a'));
  for (const BuildStage stage : {BuildStage::kExamining, BuildStage::kCounting, BuildStage::kWriting}) {
    StopSource source;
    const BuildOptions options{.progress =
                                   [&](const BuildProgress& progress) {
                                     if (progress.stage == stage) source.request_stop();
                                   },
                               .stop = source.token()};
    EXPECT_THAT(error_of([&] { build_corpus(settings_, options); }, ErrorKind::kStopped),
                HasSubstr("out is as it was before"));
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  }
  build();
}

TEST_F(CorpusBuilder, ReportsProgressAndSummary) {
  folder_.write("in/a.txt", std::string(2000000, 'a'));
  folder_.write("in/b.txt", std::string(1000000, 'b'));
  std::optional<BuildProgress> last;
  int calls = 0;
  const BuildSummary summary = build_corpus(settings_, {.progress = [&](const BuildProgress& progress) {
                                              if (last && progress.stage == last->stage) {
                                                EXPECT_GE(progress.bytes_done, last->bytes_done);
                                              } else if (last) {
                                                EXPECT_GT(progress.stage, last->stage);
                                                EXPECT_EQ(last->bytes_done, 3000000u);
                                              }
                                              last = progress;
                                              ++calls;
                                            }});
  ASSERT_TRUE(last);
  EXPECT_EQ(last->stage, BuildStage::kWriting);
  EXPECT_EQ(last->bytes_done, 3000000u);
  EXPECT_EQ(last->bytes_total, 3000000u);
  EXPECT_GE(calls, 3 * 10);
  EXPECT_EQ(summary.documents, 2u);
  EXPECT_EQ(summary.bytes, 3000000u);
  EXPECT_EQ(summary.characters, 3000000u);
}

TEST_F(CorpusBuilder, HelloAndItsTargets) {
  folder_.write("in/hello.txt", "hello");
  settings_.targets = folder_.write("targets.txt", "ohlol").string();
  const CorpusFolder corpus = build();
  EXPECT_TRUE(corpus.has_targets());
  EXPECT_EQ(text_of(corpus, "train"), "hello");
  EXPECT_EQ(targets_of(corpus, "train"), "ohlol");
  EXPECT_NEAR(corpus.baselines().unigram_bits, -(0.8 * std::log2(0.4) + 0.2 * std::log2(0.2)), 1e-12);
  EXPECT_NEAR(corpus.baselines().bigram_bits, 0.4, 1e-12);
  ASSERT_EQ(corpus.vocabulary().size(), 4u);  // e h l o
  EXPECT_EQ(corpus.vocabulary().characters()[2].count, 4u) << "over both texts";
  EXPECT_EQ(manifest()["targets"]["name"], "targets.txt");
  EXPECT_EQ(manifest()["targets"]["hash"], hash_hex("ohlol"));
  corpus.verify();
}

// Both are divided into splits and shards in the same way, and cleaned in the same way.
TEST_F(CorpusBuilder, TargetsFollowTheTextIntoSplitsAndShards) {
  folder_.write("in/1.txt", "ABCDEFG");
  folder_.write("in/2.txt", "HIJKLMNOPQRST");
  settings_.targets = folder_.write("targets", "01234\r\n6789abcdefghij").string();
  settings_.split = {.by = SplitBy::kTail, .valid = 0.15, .test = 0.15};
  settings_.shard_size = 4;
  settings_.lower_case = true;
  settings_.max_characters = 19;
  CorpusFolder corpus = build();
  EXPECT_EQ(text_of(corpus, "train"), "abcd|efg|hij|klm");
  EXPECT_EQ(targets_of(corpus, "train"), "0123|4\n6|789|abc");
  EXPECT_EQ(targets_of(corpus, "valid"), "def");
  EXPECT_EQ(targets_of(corpus, "test"), "ghi");

  settings_.max_characters.reset();
  settings_.split = {.by = SplitBy::kList, .valid_list = {"1.txt"}};
  corpus = build();
  EXPECT_EQ(targets_of(corpus, "train"), "789a|bcd|efg|hij") << "whole documents, wherever they go";
  EXPECT_EQ(targets_of(corpus, "valid"), "0123|4\n6");
}

TEST_F(CorpusBuilder, TargetsOfAnotherLengthAreRefused) {
  folder_.write("in/a.txt", "hello");
  folder_.write("in/b.txt", "more");
  settings_.targets = folder_.write("targets.txt", "ohlol").string();
  EXPECT_THAT(usage_error_of([&] { build(); }),
              AllOf(HasSubstr("targets.txt has 5 characters"), HasSubstr("a.txt and 1 more has 9")));
  EXPECT_FALSE(fs::exists(folder_ / "out"));
  settings_.max_characters = 5;
  EXPECT_EQ(targets_of(build(), "train"), "ohlol") << "of as long a text, once both are cut";
  settings_.targets = (folder_ / "nothing").string();
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("nothing, which is not a file"));
  settings_.targets = (folder_ / "in").string();
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("which is not a file"));
  settings_.targets = folder_
                          .write("binary", std::string("\x7f"
                                                       "ELF\0\0",
                                                       6))
                          .string();
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("corpus.targets: "));
}

TEST_F(CorpusBuilder, ChangedTargetsMakeTheCorpusAnew) {
  folder_.write("in/a.txt", "hello");
  settings_.targets = folder_.write("targets.txt", "ohlol").string();
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  EXPECT_TRUE(build_corpus(settings_).up_to_date);
  folder_.write("targets.txt", "ohlox");
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  EXPECT_TRUE(build_corpus(settings_).up_to_date);
  folder_.write("targets.txt", "ohlolx");
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("6 characters"));
  settings_.targets.clear();
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  EXPECT_FALSE(CorpusFolder::open(settings_.output).has_targets());
  settings_.max_characters = 4;
  EXPECT_FALSE(build_corpus(settings_).up_to_date);
  EXPECT_TRUE(build_corpus(settings_).up_to_date);
}

// The first 10 characters of three documents: the second is cut inside, the third never read.
TEST_F(CorpusBuilder, KeepsTheFirstCharacters) {
  folder_.write("in/1.txt", "Abcdef\r\n");
  folder_.write("in/2.txt", "ghijk");
  folder_.write("in/3.jsonl", "no JSON");  // an error if it were read
  settings_.lower_case = true;
  settings_.document_end = "#";
  settings_.max_characters = 10;
  const CorpusFolder corpus = build();
  EXPECT_EQ(text_of(corpus, "train"), "abcdef\n#gh");
  EXPECT_EQ(corpus.vocabulary().size(), 10u) << "of what is kept";
  EXPECT_THAT(ShardReader(corpus.require_split("train").shards[0].file).document_starts(), ElementsAre(0, 8));
  const auto sources = manifest()["sources"];
  EXPECT_EQ(sources[0]["characters"], 7);
  EXPECT_FALSE(sources[0]["changes"].contains("max_characters"));
  EXPECT_EQ(sources[1]["decoded"], 5);
  EXPECT_EQ(sources[1]["characters"], 2);
  EXPECT_EQ(sources[1]["changes"]["max_characters"], -3);
  EXPECT_EQ(sources[2]["documents"], 0);
  EXPECT_TRUE(sources[2]["behind_cut"]);
  EXPECT_EQ(build_corpus(settings_).up_to_date, true);

  for (const auto& [most, text] : std::map<int, std::string>{
           {6, "abcdef"}, {7, "abcdef\n"}, {8, "abcdef\n#"}, {9, "abcdef\n#g"}, {13, "abcdef\n#ghijk"}}) {
    settings_.max_characters = most;
    EXPECT_EQ(text_of(build(), "train"), text);
    uint64_t characters = 0;
    const auto kept = manifest()["sources"];
    for (const auto& source : kept) characters += source["characters"].get<uint64_t>();
    EXPECT_EQ(characters, static_cast<uint64_t>(
                              std::count_if(text.begin(), text.end(), [](char c) { return c != '#'; })));
  }
}

// Documents that consist only of their end do not count, as they would not without the cut.
TEST_F(CorpusBuilder, WhatIsLeftOutDoesNotCountTowardsTheCut) {
  folder_.write("in/1.txt", "ab");
  folder_.write("in/2.jsonl", "{\"text\": \"cd\"}\n{\"text\": \"12\"}\n{\"text\": \"ef\"}\n");
  folder_.write("in/3.txt", "漢漢漢漢漢漢漢漢漢漢漢漢");  // several blocks, without a letter
  folder_.write("in/4.txt", "ghij");
  settings_.on_error = OnError::kSkip;
  settings_.letters_only = true;
  settings_.document_end = "#";
  const std::string all = "ab#cd#ef#ghij#";
  for (const int most : {9, 10, 12, 14, 100}) {
    settings_.max_characters = most;
    build_corpus(settings_, {.block_bytes = 7});
    EXPECT_EQ(text_of(CorpusFolder::open(settings_.output), "train"),
              all.substr(0, static_cast<size_t>(most)));
  }
}

TEST_F(CorpusBuilder, TheCutCountsTheUnit) {
  folder_.write("in/a.txt", "é漢🦊ab");
  settings_.max_characters = 3;
  EXPECT_EQ(text_of(build(), "train"), "é漢🦊");
  EXPECT_EQ(manifest()["sources"][0]["characters"], 3);
  settings_.unit = Unit::kByte;
  settings_.max_characters = 4;  // é and two of the three bytes of 漢
  EXPECT_EQ(text_of(build(), "train"), std::string("é漢").substr(0, 4));
  EXPECT_EQ(manifest()["sources"][0]["changes"]["max_characters"], -3) << "漢 has begun";
  EXPECT_EQ(manifest()["splits"][0]["utf8_bytes"], 4);
}

TEST_F(CorpusBuilder, TheCutAndTargetsDoNotDependOnThreadsOrBlocks) {
  std::string targets;
  for (int i = 0; i < 11; ++i) {
    std::string text;
    for (int k = 0; k < 700; ++k) {
      append_utf8(static_cast<char32_t>(k % 5 == 0 ? 0x4e00 + i * 7 + k % 3 : 'a' + (i + k) % 26), text);
    }
    folder_.write("in/" + std::to_string(100 + i), text);
    targets += text;
  }
  std::reverse(targets.begin(), targets.end());
  for (char& c : targets) c = static_cast<char>('A' + (static_cast<unsigned char>(c) % 26));
  settings_.targets = folder_.write("targets", targets).string();
  settings_.max_characters = 4321;
  settings_.split = {.by = SplitBy::kAuto, .valid = 0.1, .test = 0.1};
  settings_.shard_size = 500;
  build();
  const auto expected = contents(folder_ / "out");
  EXPECT_EQ(manifest()["split_by"], "tail") << "seven documents are left";
  settings_.output = (folder_ / "out2").string();
  for (const int threads : {1, 2, 5}) {
    for (const size_t block_bytes : {size_t{7}, size_t{1000}, SourceReader::kBlockBytes}) {
      build_corpus(settings_, {.threads = threads, .force = true, .block_bytes = block_bytes});
      EXPECT_EQ(contents(folder_ / "out2"), expected) << threads << ", " << block_bytes;
    }
  }
}

TEST_F(CorpusBuilder, AFailedRunLeavesTheOldCorpus) {
  folder_.write("in/a.txt", "good text");
  const std::string hash = build().hash();
  folder_.write("in/b.txt", "bad \xff text");
  settings_.encoding = "UTF-8";
  EXPECT_THAT(usage_error_of([&] { build(); }), AllOf(HasSubstr("b.txt"), HasSubstr("at byte 4")));
  EXPECT_EQ(CorpusFolder::open(settings_.output).hash(), hash);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 2);  // in, out
}

// The progress callback changes the text between the passes.
TEST_F(CorpusBuilder, TextThatChangesMeanwhileIsAnError) {
  for (const char* changed : {"abcdefgx", "abcdefg", "abcdefgha", "hgfedcba"}) {
    for (const BuildStage after : {BuildStage::kExamining, BuildStage::kCounting}) {
      folder_.write("in/a.txt", "abcdefgh");
      const auto change = [&](const BuildProgress& progress) {
        if (progress.stage == after && progress.bytes_done > 0) folder_.write("in/a.txt", changed);
      };
      EXPECT_THAT(error_of([&] { build_corpus(settings_, {.progress = change}); }),
                  AllOf(HasSubstr("a.txt changed while it was being read"), HasSubstr("run again")))
          << changed;
      EXPECT_FALSE(fs::exists(folder_ / "out"));
    }
  }
}

TEST_F(CorpusBuilder, WhatCannotWorkIsAUsageError) {
  folder_.write("in/a.txt", "");
  folder_.write("in/b.txt", "\xef\xbb\xbf");
  settings_.on_error = OnError::kSkip;
  EXPECT_THAT(usage_error_of([&] { build(); }),
              AllOf(HasSubstr("the corpus is empty"), HasSubstr("2 files")));
  settings_.on_error = OnError::kStop;
  folder_.write("in/a.txt", "abc");
  EXPECT_THAT(usage_error_of([&] { build(); }),
              AllOf(HasSubstr("b.txt is empty"), HasSubstr("on_error: skip")));
  settings_.on_error = OnError::kSkip;
  settings_.split = {.by = SplitBy::kDocument, .valid = 0.1, .test = 0};
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("splitting by document needs 2 documents"));
  settings_.split = {.by = SplitBy::kTail, .valid = 0, .test = 0.1};
  folder_.write("in/a.txt", "a");
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("would be empty"));
  settings_.split.test = 0;
  settings_.output = "";
  EXPECT_THAT(usage_error_of([&] { build(); }), HasSubstr("corpus.output is empty"));
}

}  // namespace
}  // namespace charrnn
