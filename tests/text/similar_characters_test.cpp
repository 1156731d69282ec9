#include "charrnn/text/similar_characters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Vocabulary vocabulary_of(const std::u32string& characters) {
  std::vector<Vocabulary::Character> counts;
  for (const char32_t character : characters) counts.push_back({character, 1});
  return Vocabulary::from_counts(counts, {}, Unit::kCodePoint);
}

TEST(SimilarCharacters, AreThoseThatCouldBeMeant) {
  const std::u32string known = U"\n abcdet\u00df\u00e9\u2014\u2019";
  const auto similar = [&](char32_t missing, char32_t before = 0) {
    return similar_characters(known, before, missing);
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
      usage_error_of([&] { vocabulary_of(known).encode("a T"); }),
      AllOf(HasSubstr("no 'T' (U+0054) (character 3 of the text), but it has 't' (U+0074): change the text"),
            HasSubstr("sample.unknown_characters (charrnn_sample --unknown) to skip")));
}

}  // namespace
}  // namespace charrnn
