#include "charrnn/text/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "charrnn/text/transliteration.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

std::string normalized(std::string text, Normalization form) {
  normalize(text, form);
  return text;
}

struct Case {
  std::string text, nfc, nfkc;
};

// Python's unicodedata.normalize
const Case kCases[] = {
    {"", "", ""},
    {"plain ASCII\n", "plain ASCII\n", "plain ASCII\n"},
    {"caf\u00e9 漢字 🦊", "caf\u00e9 漢字 🦊", "caf\u00e9 漢字 🦊"},
    {"cafe\u0301", "caf\u00e9", "caf\u00e9"},
    {"e\u0307\u0323", "\u1eb9\u0307", "\u1eb9\u0307"},  // marks out of order
    {"\u0301e\n\u0301", "\u0301e\n\u0301", "\u0301e\n\u0301"},
    {"\u1112\u1161\u11ab", "\ud55c", "\ud55c"},
    {"\u212b\u2126\u212a", "\u00c5\u03a9K", "\u00c5\u03a9K"},
    {"\u037e\u0387", ";\u00b7", ";\u00b7"},
    {"ﬁ①㎏ｶﾞ½", "ﬁ①㎏ｶﾞ½", "fi1kgガ1\u20442"},
    {"\u00a0\u00a8\ufe70", "\u00a0\u00a8\ufe70", "  \u0308 \u064b"},
    {"\uf900\u3038", "\u8c48\u3038", "\u8c48\u5341"},
    {"\u0958\ufb1d", "\u0915\u093c\u05d9\u05b4", "\u0915\u093c\u05d9\u05b4"},  // excluded from composition
};

TEST(Normalizer, GivesTheFormOfUnicode) {
  for (const Case& c : kCases) {
    EXPECT_EQ(normalized(c.text, Normalization::kNfc), c.nfc);
    EXPECT_EQ(normalized(c.text, Normalization::kNfkc), c.nfkc);
    EXPECT_EQ(normalized(c.text, Normalization::kNone), c.text);
    EXPECT_EQ(normalized(c.nfc, Normalization::kNfc), c.nfc);
    EXPECT_EQ(normalized(c.nfkc, Normalization::kNfkc), c.nfkc);
  }
}

TEST(Normalizer, ChecksATextInOneLook) {
  const auto checked = [](const std::string& text, Normalization form) {
    const TextCheck found = check_text(text, form);
    return std::tuple(found.valid, found.plain, found.characters);
  };
  using enum Normalization;
  EXPECT_EQ(checked("", kNfc), std::tuple(true, true, 0u));
  EXPECT_EQ(checked(std::string(99, 'x') + "é漢🦊", kNfc), std::tuple(true, true, 102u));
  EXPECT_EQ(checked("ﬁ\u00a0", kNfc), std::tuple(true, true, 2u));
  EXPECT_EQ(checked("ﬁ", kNfkc), std::tuple(true, false, 1u));
  EXPECT_EQ(checked("e\u0301", kNfc), std::tuple(true, false, 2u));
  EXPECT_EQ(checked("x\u0301", kNfc),
            std::tuple(true, false, 2u));  // normalised, but not whatever the neighbours
  EXPECT_EQ(checked("\u1112\u1161", kNfc), std::tuple(true, false, 2u));
  EXPECT_EQ(checked("\u212a", kNfc), std::tuple(true, false, 1u));
  EXPECT_EQ(checked("e\u0301\u212aﬁ", kNone), std::tuple(true, true, 4u));
  for (const Normalization form : {kNfc, kNfkc, kNone}) {
    EXPECT_FALSE(check_text("abc\xff", form).valid);
    EXPECT_FALSE(check_text("abc\xe2\x82", form).valid);
    EXPECT_FALSE(check_text("\xed\xa0\x80", form).valid);
  }
}

TEST(Normalizer, EndlessMarksAreNoText) {
  std::string text = "a";
  for (int i = 0; i < 1000; ++i) text += "\u0301";
  EXPECT_EQ(normalized(text + "\n" + text, Normalization::kNfc).substr(0, 2), "\u00e1");
  text += "\u0323";
  for (const Normalization form : {Normalization::kNfc, Normalization::kNfkc}) {
    EXPECT_THAT(usage_error_of([&] { normalized(text, form); }),
                AllOf(HasSubstr("more than 1000 combining marks"), HasSubstr("U+0323"),
                      HasSubstr("corpus.normalization: none")));
  }
  EXPECT_EQ(normalized(text, Normalization::kNone), text);
}

TEST(Normalizer, NamesTheLibrary) {
  EXPECT_THAT(unicode_library(), MatchesRegex("ICU [0-9.]+, Unicode [0-9.]+"));
}

std::string ascii_of(std::string text) {
  Transliteration transliteration;
  transliteration.apply(text);
  return text;
}

TEST(Transliteration, MakesLettersOfAnyScriptAscii) {
  EXPECT_EQ(ascii_of(""), "");
  EXPECT_EQ(ascii_of("plain ASCII; 1 ~\r\n"), "plain ASCII; 1 ~\r\n");
  EXPECT_EQ(ascii_of("Æsop, über, Straße, Þór, łódź"), "AEsop, uber, Strasse, THor, lodz");
  EXPECT_EQ(ascii_of("e\u0301"), "e");
  EXPECT_EQ(ascii_of("Анна Каренина"), "Anna Karenina");
  EXPECT_EQ(ascii_of("Ὀδύσσεια"), "Odysseia");
  EXPECT_EQ(ascii_of("漢字"), "han zi");
  EXPECT_EQ(ascii_of("ひらがな カタカナ"), "hiragana katakana");
  EXPECT_EQ(ascii_of("한국"), "hangug");
  EXPECT_EQ(ascii_of("“quoted”…—"), "\"quoted\"...-");
  EXPECT_EQ(ascii_of("🦊 ∑"), "🦊 ∑");
}

// A line's form does not depend on its neighbours.
TEST(Transliteration, GoesLineByLine) {
  EXPECT_EQ(ascii_of("Жук\n\nab\n漢\n字"), "Zuk\n\nab\nhan\nzi");
  EXPECT_EQ(ascii_of("漢\n"), "han\n");
  EXPECT_EQ(ascii_of("\u0301\né"), "\u0301\ne");
}

TEST(Transliteration, RefusesLinesThatWouldTakeForever) {
  const std::string ascii(2 << 20, 'x');
  EXPECT_EQ(ascii_of(ascii), ascii);
  EXPECT_THAT(usage_error_of([&] { ascii_of("one\né" + ascii); }),
              AllOf(HasSubstr("at most 1 MiB"), HasSubstr("one of 2097154 bytes"),
                    HasSubstr("corpus.transliterate")));
}

}  // namespace
}  // namespace charrnn
