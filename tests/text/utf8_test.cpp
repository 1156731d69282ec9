#include "charrnn/text/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kEveryLength =
    "a\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";

TEST(Utf8, DecodesAndCountsCharactersOfEveryLength) {
  EXPECT_EQ(decode_utf8(kEveryLength), U"a\x7f\x80\x7ff\x800\xffff\U00010000\U0010ffff");
  EXPECT_EQ(count_characters(kEveryLength), 8u);
  EXPECT_EQ(decode_utf8(std::string_view("\0x", 2)), std::u32string_view(U"\0x", 2));
  EXPECT_EQ(decode_utf8(""), U"");
  EXPECT_EQ(count_characters(""), 0u);
  const std::string run(1000, 'x');
  EXPECT_EQ(decode_utf8(run + "é" + run), std::u32string(1000, U'x') + U"é" + std::u32string(1000, U'x'));
  EXPECT_EQ(count_characters(run + "é漢🦊" + run), 2003u);
}

TEST(Utf8, BytesOfTheFirstUnits) {
  EXPECT_EQ(bytes_of(kEveryLength, 0, Unit::kCodePoint), 0u);
  EXPECT_EQ(bytes_of(kEveryLength, 3, Unit::kCodePoint), 4u);
  EXPECT_EQ(bytes_of(kEveryLength, 8, Unit::kCodePoint), kEveryLength.size());
  EXPECT_EQ(bytes_of(kEveryLength, 3, Unit::kByte), 3u);
}

// Words of 8 and of 32 bytes: the first byte that is not ASCII may be anywhere in them.
TEST(Utf8, SkipsAsciiToTheFirstOtherByte) {
  for (size_t length = 0; length < 100; ++length) {
    const std::string ascii(length, 'x');
    EXPECT_EQ(skip_ascii(ascii.data(), ascii.data() + length), ascii.data() + length);
    for (size_t at = 0; at < length; ++at) {
      std::string text = ascii;
      text[at] = '\x80';
      if (at + 3 < length) text[at + 3] = '\xff';
      EXPECT_EQ(skip_ascii(text.data(), text.data() + length), text.data() + at) << length;
    }
  }
}

TEST(Utf8, VisitsWhatIsNotAscii) {
  std::u32string seen;
  for_each_non_ascii("one é漢 two 🦊\U0010ffff" + std::string(70, 'x') + "ü",
                     [&](char32_t c) { seen += c; });
  EXPECT_EQ(seen, U"é漢🦊\U0010ffffü");
}

struct Case {
  std::string bytes;
  size_t begin, size;   // of the first that is malformed
  std::string message;  // of its bytes and their place
  std::string replaced, skipped;
  uint64_t count;
};

// Unicode 15, tables 3-8 to 3-11; Python's bytes.decode(errors="replace") gives the same.
const Case kCases[] = {
    {"ab\xffz", 2, 1, "ff at byte 102", "ab\ufffdz", "abz", 1},
    {"ab\xc0\x80z", 2, 1, "c0 at byte 102", "ab\ufffd\ufffdz", "abz", 2},  // overlong NUL
    {"ab\x80z", 2, 1, "80 at byte 102", "ab\ufffdz", "abz", 1},            // a trail byte alone
    {"ab\xe2\x82z", 2, 2, "e2 82 at byte 102", "ab\ufffdz", "abz", 1},     // cut short by a letter
    {"ab\xed\xa0\x80z", 2, 1, "ed at byte 102, half of a surrogate pair, which is valid in CESU-8",
     "ab\ufffd\ufffd\ufffdz", "abz", 3},                                                 // a surrogate
    {"ab\xf0\x9f\xa6\xf0z", 2, 3, "f0 9f a6 at byte 102", "ab\ufffd\ufffdz", "abz", 2},  // by a lead byte
    {"ab\xf4\x90\x80\x80z", 2, 1, "f4 at byte 102", "ab\ufffd\ufffd\ufffd\ufffdz", "abz",
     4},  // above U+10FFFF
    {"\xe0\x80\xe2", 0, 1, "e0 at byte 100", "\ufffd\ufffd\ufffd", "", 3},
    {"\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", 0, 3, "f1 80 80 at byte 100",
     "\ufffd\ufffd\ufffdb\ufffdc\ufffd\ufffdd", "bcd", 6},  // table 3-11
    {"é\xc3", 2, 1, "c3 at byte 102, where the text ends inside a character", "é\ufffd", "é", 1},
    {"abc\xf0\x9f\xa6", 3, 3, "f0 9f a6 at byte 103, where the text ends", "abc\ufffd", "abc", 1},
};

TEST(Utf8, FindsTheFirstMalformedSequence) {
  for (const Case& c : kCases) {
    EXPECT_EQ(find_malformed(c.bytes).begin, c.begin) << c.message;
    EXPECT_EQ(find_malformed(c.bytes).bytes, c.size) << c.message;
    const std::string longer = std::string(65, 'x') + c.bytes;
    EXPECT_EQ(find_malformed(longer).begin, c.begin + 65) << c.message;
  }
  EXPECT_EQ(find_malformed(kEveryLength).bytes, 0u);
  EXPECT_EQ(find_malformed(kEveryLength).begin, kEveryLength.size());
  EXPECT_EQ(find_malformed("\xff\xff", 1).begin, 1u);
}

TEST(Utf8, ReplacesOrSkipsMalformedSequences) {
  for (const Case& c : kCases) {
    std::string text = c.bytes;
    EXPECT_EQ(repair_utf8(text, InvalidBytes::kReplace, "a.txt", 0), c.count) << c.message;
    EXPECT_EQ(text, c.replaced);
    text = c.bytes;
    EXPECT_EQ(repair_utf8(text, InvalidBytes::kSkip, "a.txt", 0), c.count) << c.message;
    EXPECT_EQ(text, c.skipped);
  }
  std::string valid = kEveryLength;
  EXPECT_EQ(repair_utf8(valid, InvalidBytes::kSkip, "a.txt", 0), 0u);
  EXPECT_EQ(valid, kEveryLength);
}

TEST(Utf8, NamesMalformedBytesAndTheirPlace) {
  for (const Case& c : kCases) {
    std::string text = c.bytes;
    EXPECT_THAT(usage_error_of([&] { repair_utf8(text, InvalidBytes::kError, "a.txt", 100); }),
                AllOf(HasSubstr("a.txt: expected UTF-8, found the bytes " + c.message),
                      HasSubstr("corpus.invalid_bytes"), HasSubstr("corpus.encoding")));
  }
  std::string inside = "ab\xe2\x82z";
  EXPECT_THAT(usage_error_of([&] { repair_utf8(inside, InvalidBytes::kError, "a.txt", 0); }),
              Not(HasSubstr("ends inside")));
}

TEST(Utf8, IsRequiredOfWhatAPersonTyped) {
  require_utf8(kEveryLength, "the text");
  EXPECT_THAT(
      usage_error_of([] { require_utf8("ab\xff", "the text"); }),
      AllOf(HasSubstr("the text: expected UTF-8, found the bytes ff at byte 2"), HasSubstr("terminal")));
}

TEST(Utf8, AnyBytesAreShownAsText) {
  EXPECT_EQ(printable_text("a\té漢🦊\n"), "a\té漢🦊\n");
  EXPECT_EQ(printable_text(std::string_view("\0\x1b[2J\r\x7f", 7)), "␀␛[2J␍␡");
  EXPECT_EQ(printable_text("\xd0\xd0\xbc\xff"), "\ufffdм\ufffd");
  EXPECT_EQ(printable_text("\xe6\xbc"), "\ufffd");
  EXPECT_EQ(printable_text(""), "");
}

TEST(Utf8, EncodesAndNamesCharacters) {
  std::string text;
  for (const char32_t c : std::u32string_view(U"aé漢🦊")) append_utf8(c, text);
  EXPECT_EQ(text, "aé漢🦊");
  EXPECT_EQ(character_name(U'é'), "'é' (U+00E9)");
  EXPECT_EQ(character_name(U'\n'), "U+000A");
  EXPECT_EQ(character_name(U'🦊'), "'🦊' (U+1F98A)");
  EXPECT_EQ(character_name(0x10ffff), "U+10FFFF");
  EXPECT_EQ(hex_bytes("\xe9 "), "e9 20");
  EXPECT_EQ(hex_bytes(""), "");
}

}  // namespace
}  // namespace charrnn
