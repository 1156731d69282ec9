#include "charrnn/text/source/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/text/document_cleaner.h"
#include "charrnn/text/source/source_reader.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "number: text" or "number! problem" for each line.
std::vector<std::string> read(std::string_view lines, const std::string& field = "text",
                              uint64_t first_line = 1) {
  std::vector<std::string> all;
  JsonLines(field).read(lines, first_line, [&](const JsonLines::Document& document) {
    all.push_back(std::to_string(document.line) +
                  (document.problem.empty() ? ": " + std::string(document.text) : "! " + document.problem));
  });
  return all;
}

TEST(JsonLines, EachLineIsADocument) {
  EXPECT_THAT(read(""), IsEmpty());
  EXPECT_THAT(read("{\"text\":\"one\"}\n{\"id\":7,\"text\":\"two\",\"x\":[{}]}\n"),
              ElementsAre("1: one", "2: two"));
  EXPECT_THAT(read("{\"text\":\"one\"}\n{\"text\":\"two\"}"),
              ElementsAre("1: one", "2: two"));  // no LF at the end
  EXPECT_THAT(read("{\"text\":\"one\"}\r\n{\"text\":\"two\"}\r\n"), ElementsAre("1: one", "2: two"));
  EXPECT_THAT(read("\n \t\r\n{\"text\":\"three\"}\n\n{\"text\":\"\"}\n"), ElementsAre("3: three", "5: "));
  EXPECT_THAT(read("{\"text\":\"x\"}", "text", 1000), ElementsAre("1000: x"));
}

TEST(JsonLines, AFieldIsANameOrAPointer) {
  const std::string line =
      R"({"text":"t","meta":{"text":"m","list":["a","b"],"a/b":"slash"},"/x":"p","":"e"})";
  EXPECT_THAT(read(line), ElementsAre("1: t"));
  EXPECT_THAT(read(line, "/meta/text"), ElementsAre("1: m"));
  EXPECT_THAT(read(line, "/meta/list/1"), ElementsAre("1: b"));
  EXPECT_THAT(read(line, "/meta/a~1b"), ElementsAre("1: slash"));
  EXPECT_THAT(read(line, ""), ElementsAre("1: e"));
  EXPECT_THAT(read(line, "meta"), ElementsAre("1! has a field \"meta\" that is not a string"));
  EXPECT_THAT(read(line, "/meta/none"),
              ElementsAre(HasSubstr("1! has no field \"/meta/none\": set corpus.json_field")));
  EXPECT_THAT(read(line, "/meta/list/7"), ElementsAre(HasSubstr("1! has no field")));
  EXPECT_THAT(read(line, "/x/y"), ElementsAre(HasSubstr("1! has no field")));
  EXPECT_THAT(read("{\"text\":\"first\",\"text\":\"second\"}"), ElementsAre("1: first"));
}

TEST(JsonLines, EscapesAreUndone) {
  EXPECT_THAT(read(R"({"text":"a\nb\t\"\\\/\u00e9\u6f22\ud83e\udd8a é🦊"})"),
              ElementsAre("1: a\nb\t\"\\/é漢🦊 é🦊"));
  const std::string nul = "1: a" + std::string(1, '\0') + "b";
  EXPECT_THAT(read(R"({"text":"a\u0000b"})"), ElementsAre(nul));
}

TEST(JsonLines, ABadLineIsAProblemAndTheNextIsRead) {
  for (const std::string bad :
       {"{", "nul", "{\"text\":\"x\"", "{\"text\":\"x\"} {}", "{\"text\":\"\\ud83\"}", "{\"\\ud83e",
        "{\"text\":\"\xff\"}", "{'text':'x'}", "\xef\xbb\xbf{}", "{\"text\":\"a\tb\"}"}) {
    EXPECT_THAT(read(bad + "\n{\"text\":\"good\"}"), ElementsAre(HasSubstr("1! is not JSON ("), "2: good"))
        << bad;
  }
  EXPECT_THAT(read(std::string(100000, '[')), ElementsAre(HasSubstr("1! is not JSON (")));
  EXPECT_THAT(read("[1]\n\"text\"\n7\n"),
              ElementsAre(HasSubstr("1! is not a JSON object"), HasSubstr("2! is not a JSON object"),
                          HasSubstr("3! is not a JSON object")));
  EXPECT_THAT(read("{}\n{\"text\":null}\n{\"text\":1}\n"),
              ElementsAre(HasSubstr("1! has no field \"text\""),
                          HasSubstr("2! has a field \"text\" that is not"), HasSubstr("3! has a field")));
}

// Half of a surrogate pair is valid JSON, but not a character: by default an error.
TEST(JsonLines, HalfASurrogatePairIsAsMalformedBytes) {
  const auto read_with = [](InvalidBytes policy, std::string_view line, const std::string& field = "text") {
    std::string all;
    JsonLines(field, policy).read(line, 1, [&](const JsonLines::Document& document) {
      all +=
          concat(document.text, "|", document.invalid, document.problem.empty() ? "" : "!", document.problem);
    });
    return all;
  };
  const std::string half = R"({"text":"a\ud83d\\ud83d \uD83Dz","by":"b\udc00\ud800"})";
  EXPECT_EQ(read_with(InvalidBytes::kReplace, half), "a\ufffd\\ud83d \ufffdz|2");
  EXPECT_EQ(read_with(InvalidBytes::kSkip, half), "a\\ud83d z|2");
  EXPECT_THAT(
      read_with(InvalidBytes::kError, half),
      AllOf(HasSubstr("|2!has half of a surrogate pair (\\ud83d)"), HasSubstr("corpus.invalid_bytes")));
  EXPECT_EQ(read_with(InvalidBytes::kReplace, half, "by"), "b\ufffd\ufffd|2");  // halves in the wrong order
  // Whole pairs stay, and halves in other fields do no harm.
  const std::string whole = R"({"by":"\ud83d","text":"\ud83e\udd8a"})";
  for (const auto policy : {InvalidBytes::kError, InvalidBytes::kReplace, InvalidBytes::kSkip}) {
    EXPECT_EQ(read_with(policy, whole), "🦊|0");
  }
  EXPECT_THAT(read_with(InvalidBytes::kReplace, R"({"text":"\ud83d)"), HasSubstr("!is not JSON ("));
  EXPECT_THAT(read_with(InvalidBytes::kReplace, R"({"by":"\ud83d"})"), HasSubstr("!has no field"));
}

// The clean text of a file of JSON lines, read in blocks.
struct Documents {
  std::vector<std::string> texts;
  std::vector<uint64_t> lines, units;
  CleaningCounts counts;
  uint64_t left_out = 0;
  std::string problem;
};

class JsonDocuments : public testing::Test {
 protected:
  JsonDocuments() {
    settings_.document_end = "¶";
    source_.format = SourceFormat::kJsonLines;
    source_.json_field = "text";
  }

  Documents clean(const std::string& bytes, size_t block_bytes = SourceReader::kBlockBytes) {
    source_.file = folder_.write("documents.jsonl", bytes);
    DocumentCleaner cleaner(settings_);
    SourceFacts facts;
    facts.charset.name = "UTF-8";
    SourceReader reader(source_, facts, settings_, block_bytes);
    Documents all;
    for (CleanBlock clean; reader.next(clean.block);) {
      cleaner.clean(clean, source_);
      size_t at = 0;
      for (const DocumentPart& part : clean.parts) {
        EXPECT_TRUE(part.begins);
        all.texts.push_back(clean.block.text.substr(at, part.bytes));
        all.lines.push_back(part.line);
        all.units.push_back(part.units);
        at += part.bytes;
      }
      EXPECT_EQ(at, clean.block.text.size());
      all.counts.add(clean.counts);
      all.left_out += clean.lines_left_out;
      if (all.problem.empty()) all.problem = clean.problem;
    }
    return all;
  }

  TemporaryFolder folder_;
  CorpusSettings settings_;
  Source source_;
};

const std::string kLines =
    "{\"text\":\"One\\r\\ntwo\"}\r\n"
    "\n"
    "{\"text\":\"\"}\n"
    "{\"text\":\"e\\u0301\"}\n"
    "no JSON\n"
    "{\"name\":\"x\"}\n"
    "{\"text\":\"last 漢\"}";

TEST_F(JsonDocuments, AreTheSameWhateverTheBlocks) {
  settings_.on_error = OnError::kSkip;
  for (size_t block = 1; block < kLines.size() + 2; ++block) {
    const Documents all = clean(kLines, block);
    ASSERT_THAT(all.texts, ElementsAre("One\ntwo¶", "", "é¶", "last 漢¶")) << block;
    ASSERT_THAT(all.lines, ElementsAre(1, 3, 4, 7)) << block;
    ASSERT_THAT(all.units, ElementsAre(8, 0, 2, 7)) << block;
    ASSERT_EQ(all.counts.decoded, 16u) << block;  // without JSON's own characters
    ASSERT_EQ(all.counts.line_ends, -1) << block;
    ASSERT_EQ(all.counts.normalization, -1) << block;
    ASSERT_EQ(all.counts.kept, 14u) << block;
    ASSERT_EQ(all.left_out, 2u) << block;
    ASSERT_THAT(all.problem, AllOf(HasSubstr("line 5 of " + source_.file.string()), HasSubstr("is not JSON")))
        << block;
  }
}

TEST_F(JsonDocuments, ABadLineStopsUnlessToldToSkip) {
  EXPECT_THAT(usage_error_of([&] { clean(kLines); }),
              AllOf(HasSubstr("line 5 of " + (folder_ / "documents.jsonl").string() + " is not JSON"),
                    HasSubstr("corpus.on_error: skip")));
  EXPECT_THAT(usage_error_of([&] { clean("{\"text\":\"x\"}\n{}\n", 5); }), HasSubstr("line 2 of"));
}

TEST_F(JsonDocuments, EachIsCleanedByItself) {
  settings_.letters_only = settings_.collapse_blanks = settings_.lower_case = true;
  settings_.unit = Unit::kByte;
  settings_.join_lines = JoinLines::kSpace;
  const Documents all = clean(R"({"text":"A--b\n\n"})"
                              "\n"
                              R"({"text":"\n\nΣ c"})"
                              "\n"
                              R"({"text":"1"})");
  EXPECT_THAT(all.texts, ElementsAre("a b ¶", " c¶", ""));
  EXPECT_THAT(all.units, ElementsAre(6, 4, 0));
}

TEST_F(JsonDocuments, MalformedBytesAreRepairedBeforeTheyAreParsed) {
  const std::string bytes = "{\"text\":\"a\xff\"}\n{\"text\":\"\xe2\x82.\"}\n";
  settings_.on_error = OnError::kSkip;
  EXPECT_THAT(clean(bytes).texts, IsEmpty());
  EXPECT_EQ(clean(bytes).left_out, 2u);
  settings_.invalid_bytes = InvalidBytes::kReplace;
  for (size_t block = 1; block < bytes.size(); ++block) {
    const Documents all = clean(bytes, block);
    ASSERT_THAT(all.texts, ElementsAre("a\ufffd¶", "\ufffd.¶"));
    ASSERT_EQ(all.counts.invalid, 2u);
  }
  settings_.invalid_bytes = InvalidBytes::kSkip;
  EXPECT_THAT(clean(bytes).texts, ElementsAre("a¶", ".¶"));
}

TEST_F(JsonDocuments, HalvesOfSurrogatePairsAreCounted) {
  const std::string bytes = "{\"text\":\"a\\ud83d\"}\n{\"text\":\"\xed\xa0\xbd.\"}\n";
  settings_.invalid_bytes = InvalidBytes::kSkip;
  EXPECT_THAT(clean(bytes).texts, ElementsAre("a¶", ".¶"));
  EXPECT_EQ(clean(bytes).counts.invalid, 4u);  // as UTF-8 the half is three malformed bytes
  settings_.invalid_bytes = InvalidBytes::kError;
  EXPECT_THAT(usage_error_of([&] { clean(bytes); }),
              AllOf(HasSubstr("line 1 of"), HasSubstr("half of a surrogate pair")));
}

TEST_F(JsonDocuments, OfAnEmptyFileThereAreNone) {
  EXPECT_THAT(clean("").texts, IsEmpty());
  EXPECT_THAT(clean("\n\n").texts, IsEmpty());
}

}  // namespace
}  // namespace charrnn
