#include "charrnn/text/invisible.h"

#include <gtest/gtest.h>

#include <string>

#include "charrnn/text/cleaner.h"

namespace charrnn {
namespace {

using std::string_literals::operator""s;

// Unicode 15: general category Cc, Default_Ignorable_Code_Point, noncharacters.
TEST(Invisible, AreControlsAndWhatShowsNothing) {
  for (const char32_t c :
       {0x0u,    0x7u,    0x1bu,   0x7fu,   0x80u,   0xadu,   0x34fu,  0x200bu, 0x200cu, 0x200du, 0x200eu,
        0x202au, 0x2028u, 0x2060u, 0x2066u, 0x3164u, 0xfe0fu, 0xfeffu, 0xfffdu, 0xfffeu, 0xe0041u}) {
    EXPECT_TRUE(is_invisible(c)) << static_cast<uint32_t>(c);
  }
  for (const char32_t c :
       {U'\t', U'\n', U'\r', U' ', U'a', U'\u00a0', U'é', U'漢', U'🦊', U'\u0301', U'\u3000'}) {
    EXPECT_FALSE(is_invisible(c)) << static_cast<uint32_t>(c);
  }
}

TEST(Invisible, DroppedTheyLeaveTheRestAsItWas) {
  const auto dropped = [](std::string text) {
    drop_invisible(text);
    return text;
  };
  EXPECT_EQ(dropped(""), "");
  EXPECT_EQ(dropped("a\tb\r\nc"), "a\tb\r\nc");
  EXPECT_EQ(dropped("\ufeffa\0b\u200bc\u00ad\x1b[0m\ufffd"s), "abc[0m");
  EXPECT_EQ(dropped("漢\u200d字🦊\ufe0f"), "漢字🦊");
  EXPECT_EQ(dropped("one\ftwo\vthree\u0085four\u2028five\u2029"), "one\ntwo\nthree\nfour\nfive\n");
}

TEST(Invisible, ASwitchOfCleaningDropsAndCountsThem) {
  CorpusSettings settings;
  std::string text = "e\u200d\u0301 \0x"s;
  CleaningCounts counts;
  Cleaner(settings).clean(text, "", 0, counts);
  EXPECT_EQ(text, "e\u200d\u0301 \0x"s);
  settings.invisible_characters = InvisibleCharacters::kDrop;
  counts = {};
  EXPECT_EQ(Cleaner(settings).clean(text, "", 0, counts), 3u);
  EXPECT_EQ(text, "\u00e9 x");  // dropped before normalisation, which then composes
  EXPECT_EQ(counts.invisible_characters, -2);
  EXPECT_EQ(counts.normalization, -1);
}

TEST(Invisible, MessagesShowAndNameThem) {
  EXPECT_EQ(visible("a\0\x1b[1m\u200bé\t\xff"s), "a<U+0000><U+001B>[1m<U+200B>é\t\ufffd");
  EXPECT_EQ(code_point_name(0x200b), "U+200B ZERO WIDTH SPACE");
  EXPECT_EQ(code_point_name(0), "U+0000 control character");
  EXPECT_EQ(code_point_name(0xfffe), "U+FFFE");
}

}  // namespace
}  // namespace charrnn
