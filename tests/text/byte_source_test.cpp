#include "charrnn/text/source/byte_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "../as_nobody.h"
#include "../error_of.h"
#include "../temporary_folder.h"
#include "charrnn/text/source/compressed_file.h"
#include "compressed.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using std::string_literals::operator""s;

std::string read_all(ByteSource& source, size_t at_once) {
  std::string all;
  std::string block(at_once, '\0');
  size_t count = 0;
  do {
    count = source.read(block);
    all.append(block, 0, count);
  } while (count == at_once);
  EXPECT_EQ(source.read(block), 0u);
  return all;
}

// Does not compress well, so that a file of it is longer than one block of reading.
std::string noise(size_t bytes) {
  std::string text;
  for (uint64_t x = 1; text.size() < bytes; x = x * 6364136223846793005u + 1442695040888963407u) {
    text += static_cast<char>(x >> 56);
  }
  return text;
}

class ByteSourceTest : public testing::Test {
 protected:
  // The result must not depend on how much is read at once.
  void expect_bytes(const std::string& on_disk, const std::string& expected) {
    const auto file = folder_.write("file", on_disk);
    for (const size_t at_once : {1u, 2u, 3u, 7u, 4096u, 4097u, 1u << 18, 1u << 20}) {
      if (at_once < 7 && expected.size() > 100000) continue;
      ByteSource source(file);
      ASSERT_EQ(read_all(source, at_once) == expected, true) << at_once;
      EXPECT_EQ(source.bytes_on_disk(), on_disk.size());
      EXPECT_EQ(source.hash(), hash_hex(on_disk));
    }
    EXPECT_EQ(hash_of_file(file), hash_hex(on_disk));
  }

  std::string error_reading(const std::string& on_disk, const std::string& name) {
    const auto file = folder_.write(name, on_disk);
    return usage_error_of([&] {
      ByteSource source(file);
      read_all(source, 1000);
    });
  }

  TemporaryFolder folder_;
};

TEST_F(ByteSourceTest, PlainBytesComeAsTheyAre) {
  expect_bytes("", "");
  expect_bytes("x", "x");
  expect_bytes("\r\n\xff\0\x1a\n"s, "\r\n\xff\0\x1a\n"s);
  expect_bytes("\x1f", "\x1f");  // half of gzip's mark
  expect_bytes("\x28\xb5\x2f", "\x28\xb5\x2f");
  expect_bytes(noise(4096), noise(4096));
  expect_bytes(noise(700000), noise(700000));
}

TEST_F(ByteSourceTest, GzipIsDecompressedMemberAfterMember) {
  expect_bytes(gzip(""), "");
  expect_bytes(gzip("one\n"), "one\n");
  expect_bytes(gzip("one\n") + gzip("") + gzip("two\n") + gzip("three"), "one\ntwo\nthree");
  expect_bytes(gzip(noise(600000)) + gzip(noise(300000)), noise(600000) + noise(300000));
  expect_bytes(gzip(std::string(5000000, 'x')), std::string(5000000, 'x'));  // 5 kB on disk
}

// printf 'one\n' | gzip -n; printf 'two\n' | zstd
TEST_F(ByteSourceTest, ReadsWhatTheCommandsWrite) {
  expect_bytes("\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\xcf\x4b\xe5\x02\0\x9f\xa8\x17\xf8\x04\0\0\0"s, "one\n");
  expect_bytes("\x28\xb5\x2f\xfd\x04\x58\x21\0\0two\n\x0f\x2d\x04\xf9"s, "two\n");
}

TEST_F(ByteSourceTest, ZstandardIsDecompressedFrameAfterFrame) {
  expect_bytes(zstd(""), "");
  expect_bytes(zstd("one\n") + zstd("") + zstd("two\n") + zstd("three"), "one\ntwo\nthree");
  expect_bytes(zstd(noise(600000)) + zstd(noise(300000)), noise(600000) + noise(300000));
  expect_bytes(zstd(std::string(5000000, 'x')), std::string(5000000, 'x'));
}

TEST_F(ByteSourceTest, CompressedDataCutShortAreAnErrorThatNamesTheFile) {
  for (const std::string& whole :
       {gzip("some text\n"), zstd("some text\n"), gzip("one") + gzip("two"), zstd("one") + zstd("two")}) {
    for (size_t length = 4; length < whole.size(); ++length) {
      const bool border = length == gzip("one").size() || length == zstd("one").size();
      if (border && whole.size() > length + 10) continue;
      EXPECT_THAT(error_reading(whole.substr(0, length), "short.gz"),
                  AllOf(HasSubstr("short.gz is compressed, and its data end too early, after"),
                        HasSubstr("a complete copy")))
          << length;
    }
  }
  EXPECT_THAT(error_reading("\x1f\x8b", "stub.gz"), HasSubstr("too early, after 2 bytes"));
  EXPECT_THAT(error_reading("\x1f", "stub.gz"), HasSubstr("too early, after 1 bytes"));
  EXPECT_THAT(error_reading("\x28\xb5", "stub.zst"), HasSubstr("too early, after 2 bytes"));
  EXPECT_THAT(error_reading(gzip(noise(600000)).substr(0, 500000), "long.gz"),
              HasSubstr("too early, after 500000 bytes"));
}

TEST_F(ByteSourceTest, DamagedCompressedDataAreAnErrorThatNamesTheFile) {
  std::string bytes = gzip("some text that is long enough\n");
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] ^ 1);  // of the check sum
  EXPECT_THAT(error_reading(bytes, "a.gz"),
              AllOf(HasSubstr("a.gz is damaged gzip data"), HasSubstr("incorrect data check")));
  bytes = zstd(noise(1000));
  bytes[4] = static_cast<char>(bytes[4] ^ 8);  // a reserved bit
  EXPECT_THAT(error_reading(bytes, "d.zst"), HasSubstr("d.zst is damaged Zstandard data"));
}

TEST_F(ByteSourceTest, SomethingElseAfterTheEndIsAnErrorPaddingIsNot) {
  expect_bytes(gzip("one") + std::string(1000, '\0'), "one");  // as tapes and tar pad
  expect_bytes(gzip("one") + "\0\0"s + gzip("two"), "onetwo");
  EXPECT_THAT(error_reading(gzip("one") + "not gzip", "b.gz"),
              AllOf(HasSubstr("b.gz has other data after the end of its gzip data"),
                    HasSubstr("6e 6f 74 20 67 7a 69 70")));
  EXPECT_THAT(error_reading(gzip("one") + "\0\0\x1fx"s, "b.gz"), HasSubstr("other data after the end"));
  EXPECT_THAT(error_reading(zstd("one") + "no frame", "c.zst"),
              HasSubstr("c.zst has other data after the end of its Zstandard data"));
}

// Written by hand (RFC 8878): magic number, a descriptor without flags, the window's exponent, one raw block,
// marked as the last.
std::string zstd_with_window(int log, const std::string& text) {
  const size_t header = text.size() << 3 | 1;
  std::string frame = "\x28\xb5\x2f\xfd\0"s;
  frame += static_cast<char>((log - 10) << 3);
  for (int i = 0; i < 3; ++i) frame += static_cast<char>(header >> (8 * i));
  return frame + text;
}

TEST_F(ByteSourceTest, ZstandardMayHaveALargeWindow) {
  expect_bytes(zstd_with_window(17, "some text\n"), "some text\n");
  expect_bytes(zstd_with_window(28, "some text\n"), "some text\n");  // zstd --long=28
  EXPECT_THAT(error_reading(zstd_with_window(40, "some text\n"), "w.zst"),
              AllOf(HasSubstr("w.zst is compressed in a way that this libzstd"), HasSubstr("--long=31"),
                    Not(HasSubstr("damaged"))));
}

// pzstd and seekable archives begin with a skippable frame: 0x184d2a50 to 5f, a length, that many bytes.
TEST_F(ByteSourceTest, SkippableFramesOfZstandardAreSkipped) {
  expect_bytes("\x50\x2a\x4d\x18\4\0\0\0abcd"s + zstd("one") + "\x5f\x2a\x4d\x18\0\0\0\0"s + zstd("two"),
               "onetwo");
  expect_bytes("Peter", "Peter");  // 0x50 alone does not make a frame
}

TEST_F(ByteSourceTest, ZstandardWithADictionaryIsRefusedAsThat) {
  // The same by hand, with the id of a dictionary, 7.
  EXPECT_THAT(error_reading("\x28\xb5\x2f\xfd\x01\x38\x07\x09\0\0x"s, "d.zst"),
              HasSubstr("was compressed with a dictionary"));
}

TEST_F(ByteSourceTest, WhatCannotBeReadIsNamedWithTheReason) {
  EXPECT_THAT(usage_error_of([&] { ByteSource(folder_ / "none.txt"); }),
              AllOf(HasSubstr("cannot read"), HasSubstr("none.txt"), HasSubstr("No such file")));
  EXPECT_THAT(usage_error_of([&] { ByteSource{folder_.path()}; }),
              AllOf(HasSubstr(folder_.path().string()), HasSubstr("Is a directory")));
  EXPECT_THAT(usage_error_of([&] { hash_of_file(folder_ / "none.txt"); }), HasSubstr("none.txt"));
  const AsNobody nobody(folder_.path());  // root can read everything
  const auto file = folder_.write("secret.txt", "x");
  chmod(file.c_str(), 0);
  EXPECT_THAT(usage_error_of([&] { ByteSource{file}; }), HasSubstr("Permission denied"));
}

TEST_F(ByteSourceTest, ReadsBackWhatCompressedFileWrote) {
  for (const size_t at_once : {1u, 1000u, 1u << 20}) {
    const std::string text = at_once == 1 ? "some text\n" : noise(900000) + std::string(900000, 'x');
    const auto file = folder_ / "copy.zst";
    CompressedFile copy(file);
    for (size_t i = 0; i < text.size(); i += at_once) {
      copy.write(std::span(text).subspan(i, std::min(at_once, text.size() - i)));
    }
    copy.finish();
    ByteSource source(file);
    EXPECT_EQ(read_all(source, 12345) == text, true);
    EXPECT_EQ(source.bytes_on_disk(), std::filesystem::file_size(file));
    EXPECT_LT(source.bytes_on_disk(), text.size() + 20);
  }
  CompressedFile empty(folder_ / "empty.zst");
  empty.finish();
  ByteSource source(folder_ / "empty.zst");
  EXPECT_EQ(read_all(source, 10), "");
  EXPECT_GT(source.bytes_on_disk(), 0u);
  EXPECT_THAT(error_of([&] { CompressedFile(folder_ / "none/copy.zst"); }),
              AllOf(HasSubstr("cannot write"), HasSubstr("none/copy.zst"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace charrnn
