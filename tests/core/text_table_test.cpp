#include "charrnn/core/text_table.h"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

TEST(TextTable, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(text_table({{"name", "bytes", "charset"}, {"a", "12,345", "UTF-8"}}, "lr", "  "),
            "  name   bytes  charset\n"
            "  a     12,345  UTF-8\n");
}

TEST(TextTable, WidthsAreCountedInCharacters) {
  EXPECT_EQ(text_table({{"é", "1"}, {"ee", "2"}}), "é   1\nee  2\n");
}

TEST(TextTable, NoBlanksAtTheEndOfALine) {
  EXPECT_EQ(text_table({{"a", "b"}, {"c", ""}}), "a  b\nc\n");
}

}  // namespace
}  // namespace charrnn
