#include "text/document_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "../temporary_folder.h"
#include "core/hash.h"

namespace charrnn {
namespace {

using testing::HasSubstr;

std::u32string read_all(DocumentReader& reader) {
  std::u32string text;
  for (std::u32string_view units = reader.next(); !units.empty(); units = reader.next()) text += units;
  return text;
}

TEST(DocumentReader, AnyBlockSizeGivesTheSameText) {
  const TemporaryFolder folder;
  const std::string nasty = "\xef\xbb\xbfOne\r\ntwo\r\r\nthrée\r漢\r\r🦊\n\r\r\r\nend\r";
  const auto file = folder.write("nasty.txt", nasty);
  for (size_t block = 1; block <= nasty.size() + 1; ++block) {
    DocumentReader reader(file, Unit::kCodePoint, block);
    ASSERT_EQ(read_all(reader), U"One\ntwo\nthrée\n漢\n\n🦊\n\n\nend\n") << block;
    EXPECT_EQ(reader.bytes(), nasty.size());
    EXPECT_EQ(reader.hash(), hash_hex(nasty));
    EXPECT_TRUE(reader.next().empty());
  }
}

TEST(DocumentReader, BytesAreThoseOfTheUnifiedText) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.txt", "\xef\xbb\xbfé\r\n🦊");
  DocumentReader reader(file, Unit::kByte, 3);
  EXPECT_EQ(read_all(reader), std::u32string(U"\xc3\xa9\n\xf0\x9f\xa6\x8a"));
}

TEST(DocumentReader, AnEmptyFileHasNoUnits) {
  const TemporaryFolder folder;
  DocumentReader empty(folder.write("empty.txt", ""), Unit::kCodePoint);
  EXPECT_TRUE(empty.next().empty());
  DocumentReader mark(folder.write("mark.txt", "\xef\xbb\xbf"), Unit::kCodePoint);
  EXPECT_TRUE(mark.next().empty());
  EXPECT_EQ(mark.bytes(), 3u);
}

TEST(DocumentReader, ErrorsNameTheFile) {
  const TemporaryFolder folder;
  EXPECT_THAT(usage_error_of([&] { DocumentReader(folder / "none.txt", Unit::kCodePoint); }),
              testing::AllOf(HasSubstr("cannot read"), HasSubstr("none.txt"), HasSubstr("No such file")));
  DocumentReader latin(folder.write("latin.txt", "caf\xe9 au lait"), Unit::kCodePoint, 4);
  EXPECT_THAT(usage_error_of([&] { read_all(latin); }),
              testing::AllOf(HasSubstr("latin.txt"), HasSubstr("bytes e9 at byte 3")));
}

TEST(Units, CountUtf8Bytes) {
  EXPECT_EQ(utf8_bytes(U"a\x7f\x80\x7ff\x800\xffff\U00010000\U0010ffff", Unit::kCodePoint),
            1u + 1 + 2 + 2 + 3 + 3 + 4 + 4);
  EXPECT_EQ(utf8_bytes(U"\xc3\xa9", Unit::kByte), 2u);
}

}  // namespace
}  // namespace charrnn
