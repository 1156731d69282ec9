#include "charrnn/text/prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/text/source/small_text.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using std::string_literals::operator""s;

template <class Change>
CorpusSettings recipe(Change change) {
  CorpusSettings settings;
  change(settings);
  return settings;
}

// "text <- setting, setting"
std::string cleaned(std::string_view prefix, const CorpusSettings& settings) {
  const CleanPrefix clean = clean_prefix(prefix, settings);
  std::string text = clean.text;
  for (const std::string& stage : clean.changed_by) text += (text.ends_with(",") ? " " : " <- ") + stage;
  return text;
}

TEST(CleanPrefixTest, IsCleanedAsTheCorpusWas) {
  const CorpusSettings plain;
  EXPECT_EQ(cleaned("The time ", plain), "The time ");
  EXPECT_EQ(cleaned("", plain), "");
  EXPECT_EQ(cleaned("cafe\u0301", plain), "café <- normalization");
  EXPECT_EQ(cleaned("a\r\nb\r\n", plain), "a\nb\n <- line_ends");
  EXPECT_EQ(cleaned("a\r\n", recipe([](auto& s) { s.line_ends = LineEnds::kKeep; })), "a\r\n");
  const auto lower = recipe([](auto& s) { s.lower_case = true; });
  EXPECT_EQ(cleaned("The TIME Ärger ", lower), "the time ärger  <- lower_case");
  EXPECT_EQ(cleaned("the", lower), "the");
  EXPECT_EQ(cleaned("Émile", recipe([](auto& s) { s.transliterate = true; })), "Emile <- transliterate");
  EXPECT_EQ(
      cleaned("a\u200bb\0c"s, recipe([](auto& s) { s.invisible_characters = InvisibleCharacters::kDrop; })),
      "abc <- invisible_characters");
  EXPECT_EQ(cleaned("a\nb", recipe([](auto& s) { s.join_lines = JoinLines::kSpace; })), "a b <- join_lines");
  const CleanPrefix two = clean_prefix("Cafe\u0301", lower);
  EXPECT_EQ(two.text, "café");
  EXPECT_THAT(two.changed_by, ElementsAre("normalization", "lower_case"));
  EXPECT_THAT(usage_error_of([&] { cleaned("a\xff", plain); }), HasSubstr("the prefix: expected UTF-8"));
}

TEST(CleanPrefixTest, ABlankAtItsEndStaysWhereTheRecipeHasOne) {
  const auto d2l = recipe([](auto& s) {
    s.letters_only = true;
    s.join_lines = JoinLines::kNothing;
  });
  EXPECT_EQ(clean_prefix("Time Traveller, ", d2l).text, "time traveller ");
  EXPECT_EQ(clean_prefix("time traveller", d2l).text, "time traveller");
  EXPECT_EQ(clean_prefix("time ", d2l).text, "time ");
  EXPECT_EQ(clean_prefix("time\n", d2l).text, "time");
  EXPECT_EQ(clean_prefix(" ", d2l).text, "");
  EXPECT_EQ(clean_prefix("1895 ", d2l).text, "");
  EXPECT_THAT(clean_prefix("time ", d2l).changed_by, IsEmpty());
  EXPECT_EQ(clean_prefix("a  b  ", recipe([](auto& s) { s.collapse_blanks = true; })).text, "a b ");
}

Vocabulary vocabulary_of(const std::u32string& characters) {
  std::vector<Vocabulary::Character> counts;
  for (const char32_t character : characters) counts.push_back({character, 1});
  return Vocabulary::from_counts(counts, {}, Unit::kCodePoint);
}

TEST(SimilarCharacters, AreThoseThatCouldBeMeant) {
  const Vocabulary vocabulary = vocabulary_of(U" \nabcdet\u2019\u2014\u00e9\u00df");
  const auto similar = [&](char32_t missing, char32_t before = 0) {
    return similar_characters(vocabulary, before, missing);
  };
  EXPECT_THAT(similar(U'T'), ElementsAre(U't'));
  EXPECT_THAT(similar(U'\''), ElementsAre(U'\u2019'));  // a typewriter's apostrophe
  EXPECT_THAT(similar(U'-'), ElementsAre(U'\u2014'));
  EXPECT_THAT(similar(U'\u00e8'), ElementsAre(U'e', U'\u00e9'));
  EXPECT_THAT(similar(U'\u0301', U'e'), ElementsAre(U'\u00e9'));  // e and a mark are one character here
  EXPECT_THAT(similar(U'\u00a0'), ElementsAre(U' '));             // a no-break space
  EXPECT_THAT(similar(U'\uff54'), ElementsAre(U't'));             // full width
  EXPECT_THAT(similar(U'\u0430'), ElementsAre(U'a'));             // Cyrillic
  EXPECT_THAT(similar(U'x'), IsEmpty());
  EXPECT_THAT(similar(U'漢'), IsEmpty());
  EXPECT_THAT(
      usage_error_of([&] { vocabulary.encode("a T"); }),
      AllOf(HasSubstr("no 'T' (U+0054) (character 3 of the text), but it has 't' (U+0074): change the text"),
            HasSubstr("sample.unknown_characters (charrnn_sample --unknown) to skip")));
}

// As editors save it.
TEST(SmallText, AByteOrderMarkIsNotPartOfIt) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& bytes) {
    return read_small_text(folder.write("prefix.txt", bytes));
  };
  EXPECT_EQ(read("The time \r\n"), "The time \r\n");
  EXPECT_EQ(read("\xef\xbb\xbfThe"), "The");
  EXPECT_EQ(read("\xff\xfe"
                 "T\0\xe9\0"s),
            "T\u00e9");
  EXPECT_EQ(read("\xfe\xff\0T"s), "T");
  EXPECT_EQ(read("a\xff\0b"s), "a\xff\0b"s);
  EXPECT_EQ(read(""), "");
}

}  // namespace
}  // namespace charrnn
