#include "charrnn/text/character_counts.h"

#include <gtest/gtest.h>

#include <map>

namespace charrnn {
namespace {

std::map<uint32_t, uint64_t> map_of(const CharacterCounts& counts) {
  std::map<uint32_t, uint64_t> map;
  uint32_t last = 0;
  for (const Vocabulary::Character& character : counts.seen()) {
    EXPECT_TRUE(map.empty() || character.value > last);
    last = character.value;
    map[character.value] = character.count;
  }
  return map;
}

TEST(CharacterCounts, CountsCodePointsOrBytes) {
  std::string text;
  for (int i = 0; i < 1001; ++i) text += "ab a";
  text += "é漢é🦊\U0010ffff";
  text += '\0';
  CharacterCounts characters;
  characters.add(text, Unit::kCodePoint);
  using Map = std::map<uint32_t, uint64_t>;
  EXPECT_EQ(map_of(characters), (Map{{0, 1},
                                     {' ', 1001},
                                     {'a', 2002},
                                     {'b', 1001},
                                     {0xe9, 2},
                                     {0x6f22, 1},
                                     {0x1f98a, 1},
                                     {0x10ffff, 1}}));
  CharacterCounts bytes;
  bytes.add("aé漢é", Unit::kByte);  // c3 a9, e6 bc a2
  EXPECT_EQ(map_of(bytes), (Map{{'a', 1}, {0xa2, 1}, {0xa9, 2}, {0xbc, 1}, {0xc3, 2}, {0xe6, 1}}));
}

TEST(CharacterCounts, AddUpAndCanBeTakenAway) {
  CharacterCounts sum;
  for (const char* text : {"", "a", "aé", "xyz漢"}) sum.add(text, Unit::kCodePoint);
  CharacterCounts more;
  more.add("aaé", Unit::kCodePoint);
  sum.add(more);
  sum.remove("xyé", Unit::kCodePoint);
  using Map = std::map<uint32_t, uint64_t>;
  EXPECT_EQ(map_of(sum), (Map{{'a', 4}, {'z', 1}, {0xe9, 1}, {0x6f22, 1}}));
  EXPECT_EQ(map_of(CharacterCounts()), Map{});
}

}  // namespace
}  // namespace charrnn
