#include "charrnn/text/source/charset_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using std::string_literals::operator""s;

constexpr size_t kBlockBytes[] = {1, 2, 3, 5, 7, 1000};

struct Decoded {
  std::string text;
  uint64_t invalid;
};

Decoded decode(const std::string& charset, InvalidBytes policy, std::string_view bytes, size_t block_bytes) {
  CharsetDecoder decoder(charset, policy, "a.txt");
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += block_bytes)
    text += decoder.decode(bytes.substr(at, block_bytes));
  text += decoder.finish();
  return {text, decoder.invalid()};
}

// Bytes and text are from Python's codecs; iconv agrees.
TEST(CharsetDecoder, DecodesWhereverBlocksAreCut) {
  const struct {
    const char* charset;
    std::string bytes;
    const char* text;
  } cases[] = {
      {"Shift_JIS",
       "\x93\xfa\x96{"
       "\x8c\xea\x83\x65\x83L\x83X\x83g\x81\x41\xb1\xb2\xb3\x0d\x0a\x95\x5c\x8e\xa6\x83\x5c\x8d\x5c\x81\x42",
       "日本語テキスト、ｱｲｳ\r\n表示ソ構。"},
      {"ISO-2022-JP", "abc \x1b$BF|K\x5c\x38l\x1b(B\x0d\x0a\x1b$B%F%-%9%H\x1b(B end \x1b$B4A;z\x1b(B",
       "abc 日本語\r\nテキスト end 漢字"},
      {"EUC-JP",
       "\xc6\xfc\xcb\xdc\xb8\xec\x8e\xb1\x8e\xb2\xa1\xa2\xa5\xc6\xa5\xad\xa5\xb9\xa5\xc8\xa1\xa3\x0a\x8f\xb0"
       "\xa1",
       "日本語ｱｲ、テキスト。\n丂"},
      {"EUC-KR", "\xc7\xd1\xb1\xb9\xbe\xee \xc5\xd8\xbd\xba\xc6\xae, abc\x0a\xb0\xa1\xb3\xaa\xb4\xd9",
       "한국어 텍스트, abc\n가나다"},
      {"Big5", "\xa4\xa4\xa4\xe5\xb3\x5c\xa5\x5c\xbb\x5c\xa1\x41\x61\x62\x63\x0d\x0a\xc1\x63\xc5\xe9",
       "中文許功蓋，abc\r\n繁體"},
      {"GB18030",
       "\xd6\xd0\xce\xc4\xa3\xac\x61\x62\x63\x0a\xba\xba\xd7\xd6\x95\x30\xd9\x32\xa8\xa6\x95\x32\x82\x36",
       "中文，abc\n汉字🦊é𠀀"},
      {"CESU-8", "a\xed\xa0\xbd\xed\xb8\x80\xc3\xa9\x0a", "a😀é\n"},  // surrogates, each as UTF-8
      {"KOI8-R", "\xf0\xd2\xc9\xd7\xc5\xd4, \xcd\xc9\xd2! \xa3\xb3 \x80\x81\x0a", "Привет, мир! ёЁ ─│\n"},
      {"windows-1250", "P\xf8\xedli\x9a \x9elu\x9dou\xe8k\xfd k\xf9\xf2 \x84\x85\x93\x0a",
       "Příliš žluťoučký kůň „…“\n"},
      {"windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0! \xab\xb8\xa8\xbb \xb9 \x97\x0a",
       "Привет, мир! «ёЁ» № —\n"},
      {"windows-1252", "\x93\x63\x61\x66\xe9\x94 \x97 \x8cuvre\x85 \x80\x35 \x87\x86\x0a",
       "“café” — Œuvre… €5 ‡†\n"},
      {"windows-1253", "\xca\xe1\xeb\xe7\xec\xdd\xf1\xe1 \xea\xfc\xf3\xec\xe5 \x92\x0a",
       "Καλημέρα κόσμε ’\n"},
      {"windows-1255", "\xf9\xec\xe5\xed \xf2\xe5\xec\xed \xa4\x0a", "שלום עולם ₪\n"},
      {"windows-1257", "\xd0iauliai \xe0\xe8\xe6\xeb\xe1\xf0\xf8\xfb\xfe\x0a", "Šiauliai ąčęėįšųūž\n"},
      {"ISO-8859-1", "caf\xe9 \xc6\xd8\xc5 \xdf\xa7\x0d\x0a", "café ÆØÅ ß§\r\n"},
      {"ISO-8859-15", "\xbcuvre \xa4\x35\x0a", "Œuvre €5\n"},
      {"macintosh", "\xd2\x63\x61\x66\x8e\xd3 \xd1 \xceuvre\x0d", "“café” — Œuvre\r"},
      {"IBM437", "caf\x82 \xb0\xb1\xb2 \xab\x0a", "café ░▒▓ ½\n"},
      {"UTF-16LE", "a\x00\xe9\x00\x22o>\xd8\x8a\xdd\x0d\x00\x0a\x00z\x00"s, "aé漢🦊\r\nz"},
      {"UTF-16BE", "\x00\x61\x00\xe9o\x22\xd8>\xdd\x8a\x00\x0d\x00\x0a\x00z"s, "aé漢🦊\r\nz"},
      {"UTF-16", "\xff\xfe\x61\x00\xe9\x00\x22o>\xd8\x8a\xdd\x0d\x00\x0a\x00z\x00"s, "aé漢🦊\r\nz"},
      {"UTF-32LE", "\xe9\x00\x00\x00\x22o\x00\x00\x8a\xf9\x01\x00"s, "é漢🦊"},
      {"UTF-32BE", "\x00\x00\x00\xe9\x00\x00o\x22\x00\x01\xf9\x8a"s, "é漢🦊"},
      {"UTF-32", "\xff\xfe\x00\x00\xe9\x00\x00\x00\x22o\x00\x00\x8a\xf9\x01\x00"s, "é漢🦊"},
  };
  for (const auto& [charset, bytes, text] : cases) {
    for (const size_t block_bytes : kBlockBytes) {
      const Decoded found = decode(charset, InvalidBytes::kError, bytes, block_bytes);
      EXPECT_EQ(found.text, text) << charset << " in blocks of " << block_bytes;
      EXPECT_EQ(found.invalid, 0u);
    }
  }
}

// The first malformed sequence with its place, the text with U+FFFD for each, and their number. A byte that
// cannot continue a character, but could be one by itself, is read as one.
TEST(CharsetDecoder, FindsTheSameInvalidBytesWhereverBlocksAreCut) {
  const struct {
    const char* charset;
    std::string bytes;
    const char* found;
    const char* replaced;
    uint64_t invalid;
  } cases[] = {
      {"US-ASCII", "a\xff\x62", "ff at byte 1", "a\ufffdb", 1},
      {"windows-1253", "a\xd2\x62\xff", "d2 at byte 1", "a\ufffdb\ufffd", 2},
      {"windows-1255", "a\xd9\x62", "d9 at byte 1", "a\ufffdb", 1},
      {"Shift_JIS", "a\x81\x20\x62\x93\xfa\xff", "81 at byte 1", "a\ufffd b日\ufffd", 2},
      {"Shift_JIS", "a\x8a", "8a at byte 1", "a\ufffd", 1},  // cut off
      {"EUC-JP", "a\xa4\x62\x8f\xa1\xa1\x63\xff", "a4 at byte 1", "a\ufffdb\ufffdc\ufffd", 3},
      {"EUC-KR", "a\xb0 bc\xff", "b0 at byte 1", "a\ufffd bc\ufffd", 2},
      {"Big5", "a\xa4 b\xa4", "a4 at byte 1", "a\ufffd b\ufffd", 2},
      {"GB18030", "a\x81\x30\x81 b", "81 at byte 1", "a\ufffd0\ufffd b", 2},  // byte 3 is read again
      {"GB18030", "a\x81\x30", "81 30 at byte 1", "a\ufffd", 1},
      {"GB18030", "a\xe3\x32\x9a\x36z", "e3 32 9a 36 at byte 1", "a\ufffdz", 1},  // above U+10FFFF
      {"ISO-2022-JP", "a\x1b$BF|\x1b(Bb\xff", "ff at byte 10", "a日b\ufffd", 1},
      {"ISO-2022-JP", "a\x1b$BF|\x1b$", "1b 24 at byte 6", "a日\ufffd", 1},
      {"UTF-16LE", "a\0\0\xd8\x62\0\0\xdc\x63\0"s, "00 d8 at byte 2", "a\ufffdb\ufffdc", 2},
      {"UTF-16BE", "\0a\xd8\x3e\0b\xd8\x3e"s, "d8 3e at byte 2", "a\ufffdb\ufffd", 2},
      {"UTF-16LE", "a\0b"s, "62 at byte 2", "a\ufffd", 1},
      {"UTF-32LE", "a\0\0\0\0\0\x11\0b\0\0\0"s, "00 00 11 00 at byte 4", "a\ufffdb", 1},
      {"UTF-32BE", "\0\0\0a\0\0\xd8\0\0\0b"s, "00 00 d8 00 at byte 4", "a\ufffd\ufffd", 2},
      {"UTF-8", "a\xf0\x9f\xa6\xf0z", "f0 9f a6 at byte 1", "a\ufffd\ufffdz", 2},
  };
  for (const auto& [charset, bytes, found, replaced, invalid] : cases) {
    std::string skipped = replaced;
    for (size_t at = 0; (at = skipped.find("\ufffd")) != std::string::npos;) skipped.erase(at, 3);
    for (const size_t block_bytes : kBlockBytes) {
      SCOPED_TRACE(std::string(charset) + " in blocks of " + std::to_string(block_bytes));
      EXPECT_THAT(usage_error_of([&] { decode(charset, InvalidBytes::kError, bytes, block_bytes); }),
                  AllOf(HasSubstr("a.txt: expected text in "s + charset + ", found the bytes " + found + ":"),
                        HasSubstr("corpus.encoding"), HasSubstr("corpus.invalid_bytes")));
      const Decoded with_marks = decode(charset, InvalidBytes::kReplace, bytes, block_bytes);
      EXPECT_EQ(with_marks.text, replaced);
      EXPECT_EQ(with_marks.invalid, invalid);
      const Decoded without = decode(charset, InvalidBytes::kSkip, bytes, block_bytes);
      EXPECT_EQ(without.text, skipped);
      EXPECT_EQ(without.invalid, invalid);
    }
  }
}

TEST(CharsetDecoder, OffsetsCountFromTheStartOfTheFile) {
  const std::string bytes = std::string(100000, 'x') + "\x93\xfa" + std::string(100000, 'x') + "\xff";
  for (const size_t block_bytes : {size_t{999}, size_t{65536}, size_t{1000000}}) {
    EXPECT_THAT(usage_error_of([&] { decode("Shift_JIS", InvalidBytes::kError, bytes, block_bytes); }),
                HasSubstr("found the bytes ff at byte 200002"));
    EXPECT_EQ(decode("Shift_JIS", InvalidBytes::kSkip, bytes, block_bytes).text,
              std::string(100000, 'x') + "日" + std::string(100000, 'x'));
  }
}

// ICU's buffer for UTF-16 ends between the halves of some of these.
TEST(CharsetDecoder, ManyPairsInOneBlock) {
  std::string bytes("a\0", 2);
  std::string text = "a";
  for (int i = 0; i < 50000; ++i) {
    bytes += "\x3e\xd8\x8a\xdd";
    text += "🦊";
  }
  for (const size_t block_bytes : {size_t{7}, size_t{4096}, bytes.size()})
    EXPECT_TRUE(decode("UTF-16LE", InvalidBytes::kError, bytes, block_bytes).text == text) << block_bytes;
}

TEST(CharsetDecoder, DropsOnlyAByteOrderMarkAtTheStart) {
  const std::pair<const char*, std::string> cases[] = {
      {"UTF-16LE", "\xff\xfe\xff\xfe\x61\0\xff\xfe"s},
      {"UTF-16BE", "\xfe\xff\xfe\xff\0\x61\xfe\xff"s},
      {"UTF-8", "\xef\xbb\xbf\xef\xbb\xbf\x61\xef\xbb\xbf"},
      {"GB18030", "\x84\x31\x95\x33\x84\x31\x95\x33\x61\x84\x31\x95\x33"},
  };
  for (const auto& [charset, bytes] : cases) {
    for (const size_t block_bytes : kBlockBytes)
      EXPECT_EQ(decode(charset, InvalidBytes::kError, bytes, block_bytes).text, "\ufeffa\ufeff") << charset;
  }
  // Without a mark, UTF-16 is big-endian (RFC 2781).
  EXPECT_EQ(decode("UTF-16", InvalidBytes::kError, "\0a"s, 1).text, "a");
}

// iconv and Python have no characters for these five bytes; ICU returns the control characters of ISO-8859-1,
// as browsers do.
TEST(CharsetDecoder, FiveBytesOfWindows1252AreControlCharacters) {
  EXPECT_EQ(decode("windows-1252", InvalidBytes::kError, "\x81\x8d\x8f\x90\x9d", 1000).text,
            "\u0081\u008d\u008f\u0090\u009d");
}

TEST(CharsetDecoder, HalfASurrogatePairInCesu8IsInvalid) {
  for (const size_t block_bytes : kBlockBytes) {
    const Decoded found =
        decode("CESU-8", InvalidBytes::kReplace, "a\xed\xa0\xbd z\xed\xb8\x80", block_bytes);
    EXPECT_EQ(found.text, "a\ufffd z\ufffd");
    EXPECT_EQ(found.invalid, 2u);
  }
}

// Only charsets such as UTF-7 can encode these.
TEST(CharsetDecoder, HalfASurrogatePairIsInvalid) {
  for (const size_t block_bytes : kBlockBytes) {
    const Decoded found = decode("UTF-7", InvalidBytes::kReplace, "a+2AE-b+2AE-", block_bytes);
    EXPECT_EQ(found.text, "a\ufffdb\ufffd");
    EXPECT_EQ(found.invalid, 2u);
    EXPECT_THAT(usage_error_of([&] { decode("UTF-7", InvalidBytes::kError, "a+2AE-b", block_bytes); }),
                HasSubstr("half a surrogate pair before byte"));
  }
}

TEST(CharsetDecoder, NothingGivesNothing) {
  EXPECT_EQ(decode("Shift_JIS", InvalidBytes::kError, "", 1).text, "");
}

TEST(CharsetDecoder, AnUnknownCharsetIsAnError) {
  EXPECT_THAT(usage_error_of([] { CharsetDecoder("UF-8", InvalidBytes::kError, "a.txt"); }),
              AllOf(HasSubstr("a.txt"), HasSubstr("'UF-8'"), HasSubstr("corpus.encoding")));
  EXPECT_THAT(usage_error_of([] { CharsetDecoder("", InvalidBytes::kError, "a.txt"); }), HasSubstr("''"));
}

}  // namespace
}  // namespace charrnn
