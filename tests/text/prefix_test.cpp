#include "charrnn/text/prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"

namespace charrnn {
namespace {

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
  for (const std::string& stage : clean.changed_by) text += (text.ends_with(',') ? " " : " <- ") + stage;
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

}  // namespace
}  // namespace charrnn
