#include "charrnn/text/cleaner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/text/document_cleaner.h"

namespace charrnn {
namespace {

using testing::HasSubstr;
using Cases = std::vector<std::pair<std::string, std::string>>;

template <class Stage>
void expect_each(const Cases& cases, Stage stage) {
  for (const auto& [text, expected] : cases) {
    std::string cleaned = text;
    stage(cleaned);
    EXPECT_EQ(cleaned, expected) << testing::PrintToString(text);
  }
}

TEST(UnifyLineEnds, EveryKindBecomesOneLf) {
  expect_each({{"", ""},
               {"a\nb", "a\nb"},
               {"a\r\nb", "a\nb"},
               {"a\r\r\nb", "a\nb"},
               {"a\rb", "a\nb"},
               {"a\r\rb", "a\n\nb"},
               {"a\r\r\r\nb", "a\n\nb"},  // a lone CR, then CR CR LF
               {"a\r\r\r\r\nb", "a\n\n\nb"},
               {"\r\n\r\n", "\n\n"},
               {"a\n\rb", "a\n\nb"},
               {"a\r", "a\n"},
               {"a\r\r", "a\n\n"},
               {"a\r\r\r", "a\n\n\n"},
               {"x\r\n\ry\r\r\n\n\r\r\rz\r", "x\n\ny\n\n\n\n\nz\n"},
               {"漢\r\r🦊\n\r\r\r\nend", "漢\n\n🦊\n\n\nend"}},
              unify_line_ends);
}

// What Python's re.sub('[^A-Za-z]+', ' ', line).strip().lower() gives, line by line.
TEST(KeepLettersOnly, IsWhatD2lDoes) {
  expect_each({{"", ""},
               {"\n", "\n"},
               {"The Time Machine, by H. G. Wells [1898]\n", "the time machine by h g wells\n"},
               {"  1st  \n", "st\n"},
               {"123\n\n --- \n", "\n\n\n"},
               {"a1b", "a b"},
               {"a\n1\nb", "a\n\nb"},
               {"a \n b", "a\nb"},
               {"a\r\nb\rc", "a\nb c"},
               {"caf\u00e9s don't", "caf s don t"},
               {"\u00e9t\u00e9", "t"},
               {"漢a漢", "a"},
               {"@[`{AZaz", "azaz"},
               {std::string("a\0b\xff", 4), "a b"}},
              keep_letters_only);
}

TEST(JoinLines, ALineEndBecomesASpaceOrNothing) {
  expect_each({{"a\nb\n\nc\n", "a b  c "}, {"", ""}},
              [](std::string& t) { join_lines(t, JoinLines::kSpace); });
  expect_each({{"a\nb\n\nc\n", "abc"}, {"\n", ""}},
              [](std::string& t) { join_lines(t, JoinLines::kNothing); });
  expect_each({{"a\nb\n\nc\n", "a\nb\n\nc\n"}}, [](std::string& t) { join_lines(t, JoinLines::kNewline); });
}

TEST(CollapseBlanks, RunsBecomeOne) {
  expect_each({{"", ""},
               {"a  b\t\tc \t d", "a b c d"},
               {"a\u00a0\u3000b\u2003c", "a b c"},
               {"a \nb\t\n\nc", "a\nb\n\nc"},
               {"a\n b", "a\n b"},  // blanks at the beginning of a line become one, but stay
               {"a\n   b", "a\n b"},
               {"a\n\n\n\nb", "a\n\nb"},
               {"a\n \n\t\n\u3000\nb", "a\n\nb"},
               {"\n\n\na", "\n\na"},
               {"  a", " a"},
               {"a  ", "a "},
               {"a\u200b\u200bb", "a\u200b\u200bb"},  // no blanks: zero width
               {"a\r\rb\x0b\x0b", "a\r\rb\x0b\x0b"},
               {"漢  字🦊  🦊", "漢 字🦊 🦊"}},
              collapse_blanks);
}

struct Cleaned {
  std::string text;
  uint64_t characters = 0;
  CleaningCounts counts;
};

Cleaned clean(std::string text, const CorpusSettings& settings) {
  Cleaner cleaner(settings);
  Cleaned cleaned;
  cleaned.characters = cleaner.clean(text, "a.txt", 0, cleaned.counts);
  cleaned.text = text;
  return cleaned;
}

// Stages that change the number of characters, by name.
std::map<std::string, int64_t> changes(const CleaningCounts& counts) {
  std::map<std::string, int64_t> all;
  int64_t sum = 0;
  CleaningCounts::visit_changes(counts, [&](const char* name, int64_t change) {
    if (change != 0) all[name] = change;
    sum += change;
  });
  EXPECT_EQ(static_cast<int64_t>(counts.decoded) + sum, static_cast<int64_t>(counts.kept));
  return all;
}

using Changes = std::map<std::string, int64_t>;

TEST(Cleaner, UnifiesLineEndsAndComposesUnlessToldNotTo) {
  const Cleaned cleaned = clean("cafe\u0301\r\n\u1112\u1161\u11ab\r\r\n\u00a0ﬁ", {});
  EXPECT_EQ(cleaned.text, "caf\u00e9\n\ud55c\n\u00a0ﬁ");
  EXPECT_EQ(cleaned.characters, 9u);
  EXPECT_EQ(cleaned.counts.decoded, 15u);
  EXPECT_EQ(cleaned.counts.kept, 9u);
  EXPECT_EQ(changes(cleaned.counts), (Changes{{"line_ends", -3}, {"normalization", -3}}));

  CorpusSettings nothing;
  nothing.line_ends = LineEnds::kKeep;
  nothing.normalization = Normalization::kNone;
  const Cleaned same = clean("cafe\u0301\r\n\u1112\u1161\r", nothing);
  EXPECT_EQ(same.text, "cafe\u0301\r\n\u1112\u1161\r");
  EXPECT_EQ(same.characters, 10u);
  EXPECT_EQ(changes(same.counts), Changes{});
  EXPECT_EQ(clean("", {}).characters, 0u);
}

TEST(Cleaner, LowersByUnicodesRules) {
  CorpusSettings settings;
  settings.lower_case = true;
  EXPECT_EQ(clean("PLAIN Text 1[]", settings).text, "plain text 1[]");
  EXPECT_EQ(clean("ΟΔΟΣ ΟΔΟΣ\nΣ ΑΣΑ Α\u0345Σ.", settings).text, "οδος οδος\nσ ασα ᾳς.");
  EXPECT_EQ(clean("STRAẞE ÉÜ ЖУК", settings).text, "straße éü жук");
  const Cleaned dotted = clean("\u0130I", settings);  // İ
  EXPECT_EQ(dotted.text, "i\u0307i");
  EXPECT_EQ(changes(dotted.counts), (Changes{{"lower_case", 1}}));
}

TEST(Cleaner, WhatLowerCaseGivesIsNormalised) {
  CorpusSettings settings;
  settings.lower_case = true;
  // J with caron has no code point, the small letter has.
  const Cleaned cleaned = clean("J\u030c", settings);
  EXPECT_EQ(cleaned.text, "\u01f0");
  EXPECT_EQ(changes(cleaned.counts), (Changes{{"lower_case", -1}}));
}

TEST(Cleaner, CountsEveryStage) {
  CorpusSettings settings;
  settings.normalization = Normalization::kNfkc;
  settings.transliterate = settings.lower_case = settings.letters_only = settings.collapse_blanks = true;
  settings.join_lines = JoinLines::kSpace;
  const Cleaned cleaned = clean("Æsopﬃ12\r\nЖ\r\n\r\n(e\u0301)漢字\n", settings);
  // 21 characters, 18 as "Æsopﬃ12.Ж..(e´)漢字.", 19 as "Æsopffi12.Ж..(é)漢字.", 25 as "AEsopffi12.Z..(e) han
  // zi.", 21 as "aesopffi.z..e han zi."
  EXPECT_EQ(cleaned.text, "aesopffi z e han zi ");
  EXPECT_EQ(cleaned.characters, 20u);
  EXPECT_EQ(cleaned.counts.decoded, 21u);
  EXPECT_EQ(changes(cleaned.counts), (Changes{{"line_ends", -3},
                                              {"normalization", 1},
                                              {"transliterate", 6},
                                              {"letters_only", -4},
                                              {"collapse_blanks", -1}}));
}

TEST(Cleaner, JoiningAndLettersAreCountedByThemselves) {
  CorpusSettings settings;
  settings.letters_only = true;
  settings.join_lines = JoinLines::kNothing;
  const Cleaned cleaned = clean("The 1 Time,\n\nMachine.\n", settings);
  EXPECT_EQ(cleaned.text, "the timemachine");
  EXPECT_EQ(cleaned.counts.decoded, 22u);
  EXPECT_EQ(changes(cleaned.counts), (Changes{{"letters_only", -4}, {"join_lines", -3}}));
}

TEST(Cleaner, CountsMalformedSequences) {
  CorpusSettings settings;
  EXPECT_THAT(usage_error_of([&] { clean("a\xff", settings); }), HasSubstr("a.txt: expected UTF-8"));
  settings.invalid_bytes = InvalidBytes::kReplace;
  const Cleaned replaced = clean("a\xff\xe2\x82 \xff", settings);
  EXPECT_EQ(replaced.text, "a\ufffd\ufffd \ufffd");
  EXPECT_EQ(replaced.counts.invalid, 3u);
  EXPECT_EQ(replaced.counts.decoded, 5u);
  settings.invalid_bytes = InvalidBytes::kSkip;
  const Cleaned skipped = clean("e\xff\u0301", settings);
  EXPECT_EQ(skipped.text, "\u00e9");
  EXPECT_EQ(skipped.counts.invalid, 1u);
  EXPECT_EQ(skipped.counts.decoded, 2u);
}

TEST(Cleaner, ErrorsNameTheFile) {
  std::string marks = "a";
  for (int i = 0; i < 2000; ++i) marks += "\u0301";
  EXPECT_THAT(usage_error_of([&] { clean(marks, {}); }),
              HasSubstr("a.txt: expected text, found more than 1000 combining"));
}

TEST(Cleaner, CountsAddUp) {
  CleaningCounts sum;
  CleaningCounts one;
  one.decoded = 1, one.invalid = 2, one.kept = 3;
  int64_t next = 4;
  CleaningCounts::visit_changes(one, [&](const char*, int64_t& change) { change = next++; });
  EXPECT_EQ(next, 14);
  sum.add(one);
  sum.add(one);
  EXPECT_EQ(sum.decoded, 2u);
  EXPECT_EQ(sum.invalid, 4u);
  EXPECT_EQ(sum.kept, 6u);
  next = 4;
  CleaningCounts::visit_changes(
      sum, [&](const char* name, int64_t change) { EXPECT_EQ(change, 2 * next++) << name; });
}

// The settings of d2l, whose authors publish these numbers.
TEST(Cleaner, MakesTheTimeMachineOfD2l) {
  std::ifstream in(CHARRNN_SOURCE_DIR "/data/time_machine/timemachine.txt", std::ios::binary);
  const std::string book{std::istreambuf_iterator<char>(in), {}};
  ASSERT_EQ(book.size(), 178979u);
  CorpusSettings settings;
  settings.letters_only = true;
  settings.join_lines = JoinLines::kNothing;
  const Cleaned cleaned = clean(book, settings);
  EXPECT_EQ(cleaned.characters, 170580u);
  EXPECT_EQ(cleaned.text.size(), 170580u);
  EXPECT_THAT(cleaned.text,
              testing::StartsWith(
                  "the time machine by h g wellsithe time traveller for so it will be convenient to"));
}

CleanBlock block_of(const std::string& text, bool first = true, bool last = true) {
  CleanBlock clean;
  clean.block.text = text;
  clean.block.first = first;
  clean.block.last = last;
  return clean;
}

TEST(DocumentCleaner, ATextIsOneDocumentWithAnEnd) {
  const Source source;
  CorpusSettings settings;
  settings.document_end = "¶";
  DocumentCleaner cleaner(settings);
  CleanBlock clean = block_of("é\r\n");
  cleaner.clean(clean, source);
  EXPECT_EQ(clean.block.text, "é\n¶");
  ASSERT_EQ(clean.parts.size(), 1u);
  EXPECT_TRUE(clean.parts[0].begins);
  EXPECT_EQ(clean.parts[0].line, 0u);
  EXPECT_EQ(clean.parts[0].bytes, 5u);
  EXPECT_EQ(clean.parts[0].units, 3u);
  EXPECT_EQ(clean.counts.decoded, 3u);
  EXPECT_EQ(clean.counts.kept, 2u);  // the end comes of no stage

  clean = block_of("one", true, false);
  cleaner.clean(clean, source);
  EXPECT_EQ(clean.block.text, "one");
  clean.block = block_of("two", false, true).block;  // used again
  cleaner.clean(clean, source);
  EXPECT_EQ(clean.block.text, "two¶");
  ASSERT_EQ(clean.parts.size(), 1u);
  EXPECT_FALSE(clean.parts[0].begins);
  EXPECT_EQ(clean.counts.kept, 3u);

  clean = block_of("");
  cleaner.clean(clean, source);
  EXPECT_EQ(clean.block.text, "");  // of nothing there is no end
  EXPECT_EQ(clean.parts.at(0).units, 0u);
}

TEST(DocumentCleaner, UnitsCanBeBytes) {
  CorpusSettings settings;
  settings.document_end = "¶";
  settings.unit = Unit::kByte;
  DocumentCleaner cleaner(settings);
  CleanBlock clean = block_of("é🦊");
  cleaner.clean(clean, Source());
  EXPECT_EQ(clean.parts.at(0).units, 8u);
  EXPECT_EQ(clean.parts.at(0).bytes, 8u);
  EXPECT_EQ(clean.counts.kept, 2u);
}

TEST(DocumentCleaner, CountsWhatReadingLeftOut) {
  DocumentCleaner cleaner(CorpusSettings{});
  CleanBlock clean = block_of("text");
  clean.block.left_out = 10;
  clean.block.invalid = 2;
  cleaner.clean(clean, Source());
  EXPECT_EQ(clean.counts.decoded, 14u);
  EXPECT_EQ(clean.counts.gutenberg, -10);
  EXPECT_EQ(clean.counts.invalid, 2u);
  EXPECT_EQ(clean.counts.kept, 4u);
}

}  // namespace
}  // namespace charrnn
