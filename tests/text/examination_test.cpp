#include "charrnn/text/source/examination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "../as_nobody.h"
#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/text/document_cleaner.h"
#include "compressed.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using std::string_literals::operator""s;

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

class Examination : public testing::Test {
 protected:
  Source source(const std::string& name, const std::string& bytes) {
    Source made;
    made.file = folder_.write(name, bytes);
    made.name = name;
    made.bytes = bytes.size();
    return made;
  }
  Examined examined(const Source& source) {
    return examine({source}, settings_, 1, [](uint64_t) {}).at(0);
  }
  Examined examined(const std::string& bytes) { return examined(source("a.txt", bytes)); }

  // The text as a model receives it, read in blocks of this many bytes.
  std::string read(const Source& source, size_t block_bytes = 10) {
    const Examined found = examined(source);
    EXPECT_EQ(found.problem, "");
    SourceReader reader(source, found.facts, settings_, block_bytes);
    DocumentCleaner cleaner(settings_);
    std::string text;
    for (CleanBlock clean; reader.next(clean.block);) {
      cleaner.clean(clean, source);
      text += clean.block.text;
    }
    EXPECT_EQ(reader.hash(), found.hash);
    EXPECT_EQ(reader.bytes_on_disk(), std::filesystem::file_size(source.file));
    return text;
  }
  std::string read(const std::string& bytes) { return read(source("a.txt", bytes)); }

  TemporaryFolder folder_;
  CorpusSettings settings_;
};

TEST_F(Examination, FindsTheCharsetAndTheHash) {
  const Examined ascii = examined("plain\n");
  EXPECT_EQ(ascii.problem, "");
  EXPECT_EQ(ascii.facts.charset.name, "ASCII");
  EXPECT_EQ(ascii.hash, hash_hex("plain\n"));
  EXPECT_THAT(ascii.facts.cuts, IsEmpty());
  EXPECT_EQ(examined("caf\u00e9\n").facts.charset.name, "UTF-8");
  EXPECT_EQ(examined("caf\xe9\n").facts.charset.name, "ISO-8859-1");
  EXPECT_EQ(examined("a\x81\n").facts.charset.name,
            "windows-1252");  // for which ICU's detector has no evidence
  const Examined empty = examined("");
  EXPECT_THAT(empty.problem, HasSubstr("a.txt is empty"));
  EXPECT_EQ(empty.hash, hash_hex(""));
  EXPECT_EQ(read("\xef\xbb\xbf"), "");
}

TEST_F(Examination, AMarkIsNoPartOfTheText) {
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "caf\u00e9 au lait\n"),
            "caf\u00e9 au lait\n");
  EXPECT_EQ(read("\xef\xbb\xbf"), "");
  EXPECT_EQ(read("\xef\xbb\xbf\xef\xbb\xbfx"), "\ufeffx");
  // iconv -t UTF-16LE, UTF-16BE of "é🦊\r\nab"
  EXPECT_EQ(read("\xff\xfe\xe9\0\x3e\xd8\x8a\xdd\r\0\n\0a\0b\0"s), "é🦊\nab");
  EXPECT_EQ(read("\xfe\xff\0\xe9\xd8\x3e\xdd\x8a\0\r\0\n\0a\0b"s), "é🦊\nab");
  EXPECT_EQ(read("\xff\xfe\0\0\xe9\0\0\0\x8a\xf9\1\0"s), "é🦊");
  EXPECT_EQ(read(source("a.gz", gzip("\xef\xbb\xbfone\n"))), "one\n");
}

TEST_F(Examination, AGivenCharsetIsTaken) {
  Source given = source("a.txt", "caf\xe9\n");
  given.encoding = "latin2";
  EXPECT_EQ(examined(given).facts.charset.name, "ISO-8859-2");
  EXPECT_EQ(examined(given).facts.charset.evidence, CharsetEvidence::kGiven);
  EXPECT_EQ(read(given), "caf\u00e9\n");
  given = source("a.txt", "\xd2\xd5\xd3\xd3\xcb\xc9\xca\n");  // русский
  given.encoding = "KOI8-R";
  EXPECT_EQ(read(given), "русский\n");
  given = source("a.txt", "a\0b\0"s);
  given.encoding = "UTF-16LE";
  EXPECT_EQ(read(given), "ab");
  given = source("a.txt", "nul \0 is kept"s);
  given.encoding = "UTF-8";
  EXPECT_EQ(read(given), "nul \0 is kept"s);
  given.encoding = "KOI-9";
  EXPECT_THAT(usage_error_of([&] { examined(given); }), AllOf(HasSubstr("KOI-9"), HasSubstr("did you mean")));
}

TEST_F(Examination, AMarkIsNoPartOfATextWhoseCharsetIsGiven) {
  for (const char* name : {"UTF-8", "utf8"}) {
    Source given = source("a.txt", "\xef\xbb\xbfmarked\n");
    given.encoding = name;
    EXPECT_EQ(read(given), "marked\n");
  }
  Source given = source("a.txt",
                        "\xff\xfe"
                        "a\0b\0"s);
  for (const char* name : {"UTF-16", "UTF-16LE"}) {
    given.encoding = name;
    EXPECT_EQ(read(given), "ab");
  }
}

TEST_F(Examination, BinaryFilesAreAProblem) {
  EXPECT_THAT(
      examined("\x89PNG\r\n\x1a\n rest").problem,
      AllOf(StartsWith((folder_ / "a.txt").string()), HasSubstr("PNG"), HasSubstr("convert it to text")));
  EXPECT_THAT(examined("text \0 text"s).problem, HasSubstr("has NUL bytes (the first at byte 5)"));
  EXPECT_THAT(examined(source("a.gz", gzip(gzip("twice")))).problem, HasSubstr("a.gz begins like"));
}

TEST_F(Examination, WhatCannotBeReadIsAProblem) {
  Source gone = source("gone.txt", "x");
  std::filesystem::remove(gone.file);
  const Examined missing = examined(gone);
  EXPECT_THAT(missing.problem,
              AllOf(HasSubstr("cannot read"), HasSubstr("gone.txt"), HasSubstr("No such file")));
  EXPECT_EQ(missing.hash, "");
  std::string bytes = gzip(repeat("some text\n", 100000));
  EXPECT_THAT(examined(source("short.gz", bytes.substr(0, bytes.size() / 2))).problem,
              HasSubstr("short.gz is compressed, and its data end too early"));
  EXPECT_EQ(examined(source("short.gz", bytes.substr(0, bytes.size() / 2))).hash, "");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  EXPECT_THAT(examined(source("bad.gz", bytes)).problem, HasSubstr("bad.gz is damaged gzip data"));
  const AsNobody nobody(folder_.path());  // root reads everything
  const Source secret = source("secret.txt", "x");
  chmod(secret.file.c_str(), 0);
  EXPECT_THAT(examined(secret).problem, HasSubstr("Permission denied"));
}

TEST_F(Examination, MalformedBytesAreAProblemThatNamesTheirPlace) {
  // Few enough to be accepted as UTF-8, and after the first block that is read.
  const std::string before = repeat("caf\u00e9 au lait\n", 30000);
  const std::string bytes = before + "a\xff z\xe2\x82";
  const std::string place = "the bytes ff at byte " + std::to_string(before.size() + 1);
  EXPECT_THAT(examined(bytes).problem,
              AllOf(StartsWith((folder_ / "a.txt").string() + ": expected UTF-8"), HasSubstr(place)));
  EXPECT_THAT(examined("\xef\xbb\xbf"
                       "ab\xffz")
                  .problem,
              HasSubstr("bytes ff at byte 5"));
  settings_.invalid_bytes = InvalidBytes::kReplace;
  EXPECT_TRUE(read(bytes).ends_with("lait\na\ufffd z\ufffd"));
  settings_.invalid_bytes = InvalidBytes::kSkip;
  EXPECT_TRUE(read(bytes).ends_with("lait\na z"));
}

TEST_F(Examination, BytesThatAGivenCharsetLacksAreAProblem) {
  Source given = source("a.txt", "\x93\xfa\x96\x7b \x81");  // Shift_JIS 日本, cut short
  given.encoding = "Shift_JIS";
  EXPECT_THAT(examined(given).problem,
              AllOf(HasSubstr("a.txt"), HasSubstr("Shift_JIS"), HasSubstr("81 at byte 5")));
  settings_.invalid_bytes = InvalidBytes::kReplace;
  EXPECT_EQ(read(given), "日本 \ufffd");
  settings_.invalid_bytes = InvalidBytes::kSkip;
  EXPECT_EQ(read(given), "日本 ");
  given = source("a.txt", "ab\xff");
  given.encoding = "UTF-8";
  EXPECT_EQ(read(given), "ab");
  settings_.invalid_bytes = InvalidBytes::kError;
  EXPECT_THAT(examined(given).problem, HasSubstr("ff at byte 2"));
}

const std::string kHeader =
    "The Project Gutenberg EBook of A Book, by Nobody\r\n\r\nTitle: A Book\r\n\r\n"
    "*** START OF THIS PROJECT GUTENBERG EBOOK A BOOK ***\r\n\r\n";
const std::string kFooter =
    "\r\n*** END OF THIS PROJECT GUTENBERG EBOOK A BOOK ***\r\n\r\nUpdated editions will replace the "
    "previous one.\r\n";

TEST_F(Examination, GutenbergsPartsAreLeftOut) {
  const std::string text = repeat("Once upon a time, caf\u00e9.\r\n", 20);
  std::string expected = repeat("Once upon a time, caf\u00e9.\n", 20);
  const Source book = source("a.txt", "\xef\xbb\xbf" + kHeader + text + kFooter);
  const Examined found = examined(book);
  EXPECT_THAT(found.facts.cuts, ElementsAre(testing::Field(&GutenbergScanner::Cut::begin, 0u),
                                            testing::Field(&GutenbergScanner::Cut::end,
                                                           kHeader.size() + text.size() + kFooter.size())));
  EXPECT_FALSE(found.facts.cuts_refused);
  for (const size_t block : {1u, 2u, 7u, 100u, 1u << 18}) ASSERT_EQ(read(book, block), expected) << block;

  const std::string latin = repeat("Once upon a time, caf\xe9.\r\n", 20);
  for (const size_t block : {1u, 7u, 1u << 18}) {
    ASSERT_EQ(read(source("latin.txt", kHeader + latin + kFooter), block), expected) << block;
  }
  settings_.gutenberg = Gutenberg::kKeep;
  EXPECT_THAT(examined(book).facts.cuts, IsEmpty());
  EXPECT_THAT(read(book), StartsWith("The Project Gutenberg EBook"));
}

TEST_F(Examination, CharactersOfGutenbergsAreCounted) {
  const Source book = source("a.txt", kHeader + repeat("Once upon a time.\n", 20) + "\u00e9\n" + kFooter);
  const Examined found = examined(book);
  for (size_t block = 1; block < 200; ++block) {
    SourceReader reader(book, found.facts, settings_, block);
    uint64_t left_out = 0;
    uint64_t kept = 0;
    for (TextBlock read; reader.next(read);) {
      left_out += read.left_out;
      kept += read.text.size();
    }
    ASSERT_EQ(left_out, kHeader.size() + kFooter.size()) << block;
    ASSERT_EQ(kept, 20u * 18u + 3u) << block;
  }
}

TEST_F(Examination, CutsThatWouldLeaveTooLittleAreRefused) {
  const Source book = source("a.txt", kHeader + "Short.\r\n" + kFooter);
  const Examined found = examined(book);
  EXPECT_TRUE(found.facts.cuts_refused);
  EXPECT_THAT(found.facts.cuts, IsEmpty());
  EXPECT_EQ(found.problem, "");
  settings_.minimum_kept = 0.0;
  EXPECT_FALSE(examined(book).facts.cuts_refused);
  EXPECT_EQ(read(book), "Short.\n");
}

TEST_F(Examination, JsonLinesHaveNoGutenbergParts) {
  Source lines =
      source("a.jsonl", "{\"text\":\"*** START OF THIS PROJECT GUTENBERG EBOOK X ***\"}\n{\"text\":\"x\"}\n");
  lines.format = SourceFormat::kJsonLines;
  EXPECT_THAT(examined(lines).facts.cuts, IsEmpty());
}

// Files of every kind, some longer than several blocks.
TEST_F(Examination, FindsTheSameOnOneAndOnFourThreads) {
  std::vector<Source> sources;
  for (int i = 0; i < 12; ++i) {
    const std::string n = std::to_string(i);
    const std::string text = repeat("Il \u00e9tait une fois " + n + ".\n", 200 + 9000 * i);
    sources.push_back(source(n + ".txt", text));
    sources.push_back(source(n + "-latin.txt", repeat("Il \xe9tait une fois " + n + ".\n", 200 + 9000 * i)));
    sources.push_back(source(n + ".gz", gzip(text)));
    sources.push_back(source(n + "-short.gz", gzip(text).substr(0, 40)));
    sources.push_back(source(n + "-book.txt", kHeader + text + kFooter));
    sources.push_back(source(n + ".bin", text + "\0"s));
    sources.push_back(source(n + "-bad.txt", text + "\xff"));
    sources.push_back(source(n + "-gone.txt", ""));
    std::filesystem::remove(sources.back().file);
  }
  uint64_t most = 0;
  const auto progress = [&](uint64_t bytes) { most = std::max(most, bytes); };
  const std::vector<Examined> one = examine(sources, settings_, 1, progress);
  const std::vector<Examined> four = examine(sources, settings_, 4, progress);
  uint64_t on_disk = 0;
  for (size_t s = 0; s < sources.size(); ++s) {
    const std::string& name = sources[s].name;
    EXPECT_EQ(one[s].problem, four[s].problem) << name;
    EXPECT_EQ(one[s].hash, four[s].hash) << name;
    EXPECT_EQ(one[s].facts.charset.name, four[s].facts.charset.name) << name;
    EXPECT_EQ(one[s].facts.charset.confidence, four[s].facts.charset.confidence) << name;
    EXPECT_EQ(one[s].facts.cuts, four[s].facts.cuts) << name;
    EXPECT_EQ(one[s].facts.cuts.empty(), !name.ends_with("-book.txt")) << name;
    const bool fine =
        name.ends_with("-latin.txt") || name.ends_with("-book.txt") || name.find('-') == std::string::npos;
    EXPECT_EQ(one[s].problem.empty(), fine && !name.ends_with(".bin")) << name << one[s].problem;
    EXPECT_EQ(one[s].hash, fine ? hash_of_file(sources[s].file) : one[s].hash) << name;
    if (!name.ends_with("-gone.txt")) on_disk += sources[s].bytes;
  }
  EXPECT_EQ(most, on_disk);
}

// 65 MiB without two adjacent letters.
TEST_F(Examination, ASourceWithoutASafePlaceIsAnError) {
  const std::string block(1 << 20, '7');
  const auto file = folder_.path() / "digits.txt";
  {
    std::ofstream out(file, std::ios::binary);
    for (int i = 0; i < 129; ++i) out << block;
  }
  Source digits;
  digits.file = file;
  SourceFacts facts;
  facts.charset.name = "UTF-8";
  const auto read_all = [&] {
    SourceReader reader(digits, facts, settings_);
    for (TextBlock read; reader.next(read);) {
    }
  };
  EXPECT_THAT(usage_error_of(read_all),
              AllOf(HasSubstr("digits.txt has more than 64 MiB without a line that begins with a letter"),
                    HasSubstr("break its lines")));
  digits.format = SourceFormat::kJsonLines;
  EXPECT_THAT(usage_error_of(read_all),
              HasSubstr("digits.txt has more than 64 MiB without a line end before"));
  digits.format = SourceFormat::kText;
  std::filesystem::resize_file(file, 5 << 20);
  read_all();
}

// Paragraphs without an ASCII letter, each beginning after a full stop. They must not be held in memory as a
// whole.
TEST_F(Examination, TextsInAnyScriptAreReadInBlocks) {
  settings_.collapse_blanks = settings_.transliterate = true;
  for (const std::string paragraph :
       {"Жизнь прожить — не поле перейти.\r\n\r\n", "漢字之道，在於書寫。\n", "— Да.\n"}) {
    const Source book = source("a.txt", repeat(paragraph, 5000));
    const Examined found = examined(book);
    SourceReader reader(book, found.facts, settings_, 1000);
    for (TextBlock read; reader.next(read);) ASSERT_LT(read.text.size(), 1100u) << paragraph;
  }
}

}  // namespace
}  // namespace charrnn
