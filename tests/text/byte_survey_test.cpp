#include "charrnn/text/source/byte_survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using std::string_literals::operator""s;

ByteSurvey survey_of(std::string_view bytes) {
  ByteSurvey survey;
  survey.add(bytes);
  return survey;
}

Charset charset_of(std::string_view bytes) {
  return survey_of(bytes).decide();
}

std::string declares(const std::string& charset) {
  return "Title: A book\r\n\r\nCharacter set encoding: " + charset + "\r\n\r\n";
}

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

void expect_charset(std::string_view bytes, const std::string& name, CharsetEvidence evidence,
                    const std::string& declared = "") {
  const Charset found = charset_of(bytes);
  EXPECT_EQ(found.name, name);
  EXPECT_EQ(found.evidence, evidence) << name;
  EXPECT_EQ(found.declared, declared) << name;
}

TEST(Charset, AMarkComesFirst) {
  const std::pair<std::string, Charset> cases[] = {
      {"\xef\xbb\xbfx", {"UTF-8", CharsetEvidence::kMark, 100, 3}},
      {"\xff\xfex\0"s, {"UTF-16LE", CharsetEvidence::kMark, 100, 2}},
      {"\xfe\xff\0x"s, {"UTF-16BE", CharsetEvidence::kMark, 100, 2}},
      {"\xff\xfe\0\0x\0\0\0"s, {"UTF-32LE", CharsetEvidence::kMark, 100, 4}},
      {"\0\0\xfe\xff\0\0\0x"s, {"UTF-32BE", CharsetEvidence::kMark, 100, 4}},
  };
  for (const auto& [bytes, expected] : cases) {
    const Charset found = charset_of(bytes);
    EXPECT_EQ(found.name, expected.name);
    EXPECT_EQ(found.evidence, CharsetEvidence::kMark);
    EXPECT_EQ(found.mark_bytes, expected.mark_bytes) << expected.name;
    EXPECT_FALSE(survey_of(bytes).looks_binary()) << expected.name;
  }
  expect_charset("\xef\xbb\xbf" + declares("UTF-9"), "UTF-8", CharsetEvidence::kMark, "UTF-9");
  expect_charset("+/v8 is the mark of UTF-7", "ASCII", CharsetEvidence::kValidUtf8);
}

TEST(Charset, ReadsDeclarationsAsPeopleWriteThem) {
  const std::string french = "d\xe9j\xe0 vu\r\n";
  for (const std::string name : {"ISO-8859-1", "iso-8859-1", "ISO Latin-1", "Latin1", "ISO-8859-1 (Latin-1)",
                                 "Western (ISO_8859-1:1987)", " ISO-8859-1 \t"}) {
    const Charset found = charset_of(declares(name) + french);
    EXPECT_EQ(found.name, "ISO-8859-1") << name;
    EXPECT_EQ(found.evidence, CharsetEvidence::kDeclared) << name;
  }
  expect_charset(declares("ISO Latin-1") + french, "ISO-8859-1", CharsetEvidence::kDeclared, "ISO Latin-1");
  expect_charset("CHARACTER SET ENCODING: koi8-r\n\xf0\xd2\xc9", "KOI8-R", CharsetEvidence::kDeclared,
                 "koi8-r");
  expect_charset(declares("CP1252") + french, "windows-1252", CharsetEvidence::kDeclared, "CP1252");
  expect_charset(declares("Shift_JIS") + "\x93\xfa\x96\x7b", "Shift_JIS", CharsetEvidence::kDeclared,
                 "Shift_JIS");
  expect_charset(declares("ISO-646-US (US-ASCII)"), "ASCII", CharsetEvidence::kDeclared,
                 "ISO-646-US (US-ASCII)");
  expect_charset(declares("UTF-8") + "\xc3\xa9", "UTF-8", CharsetEvidence::kDeclared, "UTF-8");
  // Unknown names are ignored, and so is a declaration far inside the text.
  expect_charset(declares("UF-8") + "\xc3\xa9", "UTF-8", CharsetEvidence::kValidUtf8, "UF-8");
  expect_charset(declares("") + "\xc3\xa9", "UTF-8", CharsetEvidence::kValidUtf8);
  expect_charset(std::string(70000, '\n') + declares("KOI8-R") + french, "ISO-8859-1",
                 CharsetEvidence::kDetected);
}

TEST(Charset, TheBytesCorrectADeclaration) {
  using enum CharsetEvidence;
  expect_charset(declares("ISO-8859-1") + "plain", "ASCII", kValidUtf8, "ISO-8859-1");
  expect_charset(declares("ASCII") + "caf\xc3\xa9", "UTF-8", kValidUtf8, "ASCII");
  expect_charset(declares("ASCII") + "It cost \xa3\x35 in the village shop.", "ISO-8859-1", kDetected,
                 "ASCII");
  expect_charset(declares("ISO-8859-1") + "\x93he said\x94", "windows-1252", kDeclared, "ISO-8859-1");
  expect_charset(declares("ISO-8859-1") + "caf\xc3\xa9", "UTF-8", kValidUtf8, "ISO-8859-1");
  expect_charset(declares("UTF-16") + "caf\xc3\xa9", "UTF-8", kValidUtf8, "UTF-16");
  expect_charset(declares("UTF-8") + "Le caf\xe9 est tr\xe8s bon", "ISO-8859-1", kDetected, "UTF-8");
  // One malformed sequence in a hundred is left to corpus.invalid_bytes, one in ten means another charset.
  expect_charset(declares("UTF-8") + repeat("\xc3\xa9t\xc3\xa9 ", 50) + "\xe9.", "UTF-8", kDeclared, "UTF-8");
  expect_charset(repeat("\xc3\xa9t\xc3\xa9 ", 50) + "\xe9.", "UTF-8", kDetected);
  EXPECT_NE(charset_of(declares("UTF-8") + repeat("\xc3\xa9t\xc3\xa9 ", 5) + "\xe9.").name, "UTF-8");
  // A little text in a two-byte charset may be valid UTF-8 by accident: these two bytes are one character of
  // EUC-KR, or U+00B1.
  expect_charset(declares("EUC-KR") + "\xc2\xb1", "EUC-KR", kDeclared, "EUC-KR");
  expect_charset(declares("EUC-KR") + repeat("\xc3\xa9t\xc3\xa9 ", 4), "UTF-8", kValidUtf8, "EUC-KR");
}

TEST(Charset, DetectsWhatNothingDeclares) {
  using enum CharsetEvidence;
  expect_charset("", "ASCII", kValidUtf8);
  expect_charset("caf\xc3\xa9", "UTF-8", kValidUtf8);
  expect_charset("caf\xe9\n", "ISO-8859-1", kDetected);
  expect_charset("na\xefve \x96 \x93yes\x94\n", "windows-1252", kDetected);
  // "Все счастливые семьи похожи друг на друга": python3's codecs.
  expect_charset(
      "\xf7\xd3\xc5 \xd3\xde\xc1\xd3\xd4\xcc\xc9\xd7\xd9\xc5 \xd3\xc5\xcd\xd8\xc9 "
      "\xd0\xcf\xc8\xcf\xd6\xc9 \xc4\xd2\xd5\xc7 \xce\xc1 \xc4\xd2\xd5\xc7\xc1\n",
      "KOI8-R", kDetected);
  expect_charset(
      "\xc2\xf1\xe5 \xf1\xf7\xe0\xf1\xf2\xeb\xe8\xe2\xfb\xe5 \xf1\xe5\xec\xfc\xe8 "
      "\xef\xee\xf5\xee\xe6\xe8 \xe4\xf0\xf3\xe3 \xed\xe0 \xe4\xf0\xf3\xe3\xe0\n",
      "windows-1251", kDetected);
  expect_charset(
      repeat("\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x83\x65\x83\x4c\x83\x58\x83\x67\x82\xc5\x82\xb7\x81\x42\n", 5),
      "Shift_JIS", kDetected);
  expect_charset("\x1b$BF|K\\8l\x1b(B and ASCII\n", "ISO-2022-JP", kDetected);
  expect_charset(repeat("\x1b[31mred\x1b[0m\n", 5), "ASCII", kValidUtf8);  // a terminal's
  expect_charset(declares("ISO-2022-JP") + "\x1b$BF|K\\8l\x1b(B\n", "ISO-2022-JP", kDeclared, "ISO-2022-JP");
}

// The English header of Gutenberg's books is much longer than these 30 words of French.
TEST(Charset, TheDetectorSeesLinesThatHaveHighBytes) {
  const std::string header = repeat("This eBook is for the use of anyone anywhere at no cost.\r\n", 3000);
  // "Říkal, že přijde zítra ráno a že nám všechno vysvětlí, protože to není žádné tajemství."
  const std::string czech = repeat(
      "\xd8\xedkal, \x9e\x65 p\xf8ijde z\xedtra r\xe1no a \x9e\x65 n\xe1m v\x9a\x65\x63hno vysv\xectl\xed, "
      "proto\x9e\x65 to nen\xed \x9e\xe1\x64n\xe9 tajemstv\xed.\r\n",
      5);
  const Charset found = charset_of(header + czech + header);
  EXPECT_EQ(found.name, "windows-1250");
  EXPECT_EQ(found.confidence, charset_of(czech).confidence);
  // Of an endless line, only the surroundings of these bytes are used.
  const std::string line = repeat("It was a dark and stormy night. ", 3000);
  EXPECT_EQ(charset_of(line + czech + line).name, "windows-1250");
}

TEST(Charset, FindsUtf16AndUtf32WithoutAMark) {
  const std::string text = "It was a dark and stormy night.\r\n";
  const std::pair<const char*, std::pair<int, int>> cases[] = {
      {"UTF-16LE", {0, 1}}, {"UTF-16BE", {1, 0}}, {"UTF-32LE", {0, 3}}, {"UTF-32BE", {3, 0}}};
  for (const auto& [name, zeros] : cases) {
    std::string bytes;
    for (const char c : text)
      bytes += std::string(static_cast<size_t>(zeros.first), '\0') + c +
               std::string(static_cast<size_t>(zeros.second), '\0');
    EXPECT_EQ(charset_of(bytes).name, name);
    EXPECT_EQ(charset_of(bytes).evidence, CharsetEvidence::kDetected);
    EXPECT_EQ(survey_of(bytes).binary_reason(), "") << name;
  }
  // "名前はまだ無い。\n" in UTF-16: hardly any NUL bytes.
  const std::string japanese =
      repeat("\x0d\x54\x4d\x52\x6f\x30\x7e\x30\x60\x30\x21\x71\x44\x30\x02\x30\n\0"s, 3);
  EXPECT_EQ(charset_of(japanese).name, "UTF-16LE");
  EXPECT_FALSE(survey_of(japanese).looks_binary());
}

TEST(Charset, SaysWhyAFileLooksBinary) {
  const std::string text = repeat("some text of a good length\n", 100);
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {text, ""},
      {text + "\x1a", ""},  // ^Z, the end of a file to DOS
      {"\x0c" + text, ""},  // a new page
      {"%PDF-1.4\n", "begins like a PDF file"},
      {"\x89PNG\r\n\x1a\n", "begins like a PNG image file"},
      {"PK\x03\x04", "begins like a ZIP file"},
      {"\x1f\x8b\x08", "begins like a gzip file"},
      {"plain text with a\0"s + text, "has NUL bytes (the first at byte 17)"},
      {text + "\x01\x02\x03\x04\x05\x06\x7f" + text, ""},  // few
      {"a\x01\x02\x03\x04\x7f", "has 5 control characters in 6 bytes (the first at byte 1)"},
      {repeat("/usr/bin\0"s, 100), "has NUL bytes (the first at byte 8)"},
  };
  for (const auto& [bytes, reason] : cases) {
    EXPECT_EQ(survey_of(bytes).binary_reason(), reason);
    EXPECT_EQ(survey_of(bytes).looks_binary(), !reason.empty());
  }
}

// Also when the sample of 64 KiB is nearly full, and with characters across blocks of 4096 bytes.
TEST(Charset, PiecesMergedAreTheWhole) {
  const std::vector<std::string> texts = {
      declares("ISO-8859-1") + repeat("un caf\xe9 cr\xe8me, \x93s'il vous pla\xeet\x94\r\n", 3000) +
          "\x01\x02",
      std::string(65000, 'x') + "\n" + declares("KOI8-R") + repeat("\xf0\xd2\xc9\xd7\xc5\xd4\n", 2000),
      std::string(4095, 'x') + repeat("\xe6\xbc\xa2\xe5\xad\x97\n", 2000) + "\xff",
      repeat("plain\n", 20000) + "\0"s + repeat("plain\n", 20),
      repeat("a\0\n\0"s, 500),
  };
  for (const std::string& text : texts) {
    const ByteSurvey whole = survey_of(text);
    for (const size_t piece : {size_t{1}, size_t{700}, size_t{4096}, size_t{100000}}) {
      ByteSurvey merged;
      ByteSurvey added;
      for (size_t from = 0; from < text.size();) {
        const size_t end = std::min(text.find('\n', from + piece - 1), text.size() - 1) + 1;
        merged.merge(survey_of(std::string_view(text).substr(from, end - from)));
        added.add(std::string_view(text).substr(from, end - from));
        from = end;
      }
      for (const ByteSurvey& survey : {merged, added}) {
        EXPECT_EQ(survey.bytes(), text.size());
        EXPECT_EQ(survey.binary_reason(), whole.binary_reason());
        EXPECT_EQ(survey.decide().name, whole.decide().name);
        EXPECT_EQ(survey.decide().evidence, whole.decide().evidence);
        EXPECT_EQ(survey.decide().confidence, whole.decide().confidence);
        EXPECT_EQ(survey.decide().declared, whole.decide().declared);
      }
    }
  }
}

TEST(Charset, ANameThatAPersonGives) {
  for (const auto& [name, found] :
       std::vector<std::pair<std::string, std::string>>{{"latin1", "ISO-8859-1"},
                                                        {"cp1252", "windows-1252"},
                                                        {"utf8", "UTF-8"},
                                                        {"us-ascii", "ASCII"},
                                                        {"utf-16le", "UTF-16LE"},
                                                        {"gbk", "GBK"},
                                                        {"sjis", "Shift_JIS"}}) {
    EXPECT_EQ(given_charset(name).name, found);
    EXPECT_EQ(given_charset(name).evidence, CharsetEvidence::kGiven);
  }
  EXPECT_THAT(usage_error_of([] { given_charset("windwos-1252"); }),
              AllOf(HasSubstr("found 'windwos-1252'"), HasSubstr("windows-1252"), HasSubstr("did you mean")));
  EXPECT_THAT(usage_error_of([] { given_charset("UF-8"); }), HasSubstr("UTF-8"));
  EXPECT_THAT(usage_error_of([] { given_charset(""); }), HasSubstr("expected the name of a charset"));
}

}  // namespace
}  // namespace charrnn
