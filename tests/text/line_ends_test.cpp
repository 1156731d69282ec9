#include "text/line_ends.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace charrnn {
namespace {

std::u32string unify_in_three(std::u32string_view text, size_t i, size_t j) {
  LineEnds stage;
  std::u32string out(stage.unify(text.substr(0, i)));
  out += stage.unify(text.substr(i, j - i));
  out += stage.unify(text.substr(j));
  return out + std::u32string(stage.finish());
}

TEST(LineEnds, EveryKindBecomesOneLfWhereverBlocksAreCut) {
  const std::vector<std::pair<std::u32string, std::u32string>> cases = {
      {U"", U""},
      {U"a\nb", U"a\nb"},
      {U"a\r\nb", U"a\nb"},
      {U"a\r\r\nb", U"a\nb"},
      {U"a\rb", U"a\nb"},
      {U"a\r\rb", U"a\n\nb"},
      {U"a\r\r\r\nb", U"a\n\nb"},  // a lone CR, then CR CR LF
      {U"a\r\r\r\r\nb", U"a\n\n\nb"},
      {U"\r\n\r\n", U"\n\n"},
      {U"a\n\rb", U"a\n\nb"},
      {U"a\r", U"a\n"},
      {U"a\r\r", U"a\n\n"},
      {U"a\r\r\r", U"a\n\n\n"},
      {U"x\r\n\ry\r\r\n\n\r\r\rz\r", U"x\n\ny\n\n\n\n\nz\n"},
  };
  for (const auto& [text, unified] : cases) {
    for (size_t i = 0; i <= text.size(); ++i) {
      for (size_t j = i; j <= text.size(); ++j)
        ASSERT_EQ(unify_in_three(text, i, j), unified) << i << " " << j;
    }
  }
}

}  // namespace
}  // namespace charrnn
