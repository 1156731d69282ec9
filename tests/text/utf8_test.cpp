#include "text/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::u32string decode(std::string_view bytes) {
  Utf8Decoder decoder("a.txt");
  std::u32string text(decoder.decode(bytes));
  decoder.finish();
  return text;
}

// Cut at i and at j.
std::u32string decode_in_three(std::string_view bytes, size_t i, size_t j) {
  Utf8Decoder decoder("a.txt");
  std::u32string text(decoder.decode(bytes.substr(0, i)));
  text += decoder.decode(bytes.substr(i, j - i));
  text += decoder.decode(bytes.substr(j));
  decoder.finish();
  return text;
}

TEST(Utf8, DecodesCharactersOfEveryLength) {
  EXPECT_EQ(decode("a\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
            U"a\x7f\x80\x7ff\x800\xffff\U00010000\U0010ffff");
  EXPECT_EQ(decode(std::string_view("\0x", 2)), std::u32string_view(U"\0x", 2));
  EXPECT_EQ(decode(""), U"");
  const std::string long_run(1000, 'x');
  EXPECT_EQ(decode(long_run + "é" + long_run),
            std::u32string(1000, U'x') + U"é" + std::u32string(1000, U'x'));
}

TEST(Utf8, BlocksMayEndAnywhere) {
  const std::string nasty = "\xef\xbb\xbfplain text\r\né\xef\xbb\xbf漢字🦊\xf4\x8f\xbf\xbfz🦊";
  const std::u32string whole = U"plain text\r\né\ufeff漢字🦊\U0010ffffz🦊";
  for (size_t i = 0; i <= nasty.size(); ++i) {
    for (size_t j = i; j <= nasty.size(); ++j)
      ASSERT_EQ(decode_in_three(nasty, i, j), whole) << i << " " << j;
  }
}

TEST(Utf8, DropsOnlyAByteOrderMarkAtTheStart) {
  EXPECT_EQ(decode("\xef\xbb\xbf"), U"");
  EXPECT_EQ(decode("\xef\xbb\xbf\xef\xbb\xbfx"), U"\ufeffx");
  EXPECT_EQ(decode("x\xef\xbb\xbf"), U"x\ufeff");
  Utf8Decoder keeps("prefix", Utf8Decoder::ByteOrderMark::kKeep);
  EXPECT_EQ(keeps.decode("\xef\xbb\xbfx"), U"\ufeffx");
}

// Offset and bytes are the same wherever the blocks were cut.
TEST(Utf8, NamesMalformedBytesAndTheirPlace) {
  const std::pair<std::string, std::string> cases[] = {
      {"ab\xffz", "found the bytes ff at byte 2"},
      {"ab\xc0\x80z", "found the bytes c0 at byte 2"},                // overlong NUL
      {"ab\x80z", "found the bytes 80 at byte 2"},                    // a trail byte alone
      {"ab\xe2\x82z", "found the bytes e2 82 at byte 2"},             // cut short by a letter
      {"ab\xed\xa0\x80z", "found the bytes ed at byte 2"},            // a surrogate
      {"ab\xf0\x9f\xa6\xf0z", "found the bytes f0 9f a6 at byte 2"},  // cut short by another lead byte
      {"ab\xf4\x90\x80\x80z", "found the bytes f4 at byte 2"},        // above U+10FFFF
  };
  for (const auto& [bytes, message] : cases) {
    for (size_t i = 0; i <= bytes.size(); ++i) {
      for (size_t j = i; j <= bytes.size(); ++j) {
        EXPECT_THAT(usage_error_of([&] { decode_in_three(bytes, i, j); }),
                    AllOf(HasSubstr("a.txt: expected UTF-8"), HasSubstr(message), HasSubstr("iconv")))
            << i << " " << j;
      }
    }
  }
}

TEST(Utf8, TheEndInsideACharacterIsAnError) {
  EXPECT_THAT(usage_error_of([] { decode("abc\xf0\x9f\xa6"); }),
              HasSubstr("found the bytes f0 9f a6 at byte 3, where the text ends inside a character"));
}

TEST(Utf8, EncodesAndNamesCharacters) {
  std::string text;
  for (const char32_t c : std::u32string_view(U"aé漢🦊")) append_utf8(c, text);
  EXPECT_EQ(text, "aé漢🦊");
  EXPECT_EQ(character_name(U'é'), "'é' (U+00E9)");
  EXPECT_EQ(character_name(U'\n'), "U+000A");
  EXPECT_EQ(character_name(U'🦊'), "'🦊' (U+1F98A)");
}

}  // namespace
}  // namespace charrnn
