#include "charrnn/text/source/small_text.h"

#include <gtest/gtest.h>

#include "../temporary_folder.h"

namespace charrnn {
namespace {

using std::string_literals::operator""s;

// Text as editors save it.
TEST(SmallText, AByteOrderMarkIsNotPartOfIt) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& bytes) {
    return read_small_text(folder.write("prefix.txt", bytes));
  };
  EXPECT_EQ(read("The time \r\n"), "The time \r\n");
  EXPECT_EQ(read("\xef\xbb\xbfThe"), "The");
  EXPECT_EQ(read("\xff\xfe"
                 "T\0\xe9\0"s),
            "T\u00e9");
  EXPECT_EQ(read("\xfe\xff\0T"s), "T");
  EXPECT_EQ(read("a\xff\0b"s), "a\xff\0b"s);
  EXPECT_EQ(read(""), "");
}

}  // namespace
}  // namespace charrnn
