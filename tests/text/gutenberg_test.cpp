#include "charrnn/text/gutenberg/gutenberg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Cuts = std::vector<GutenbergScanner::Cut>;

Cuts cuts_of(std::string_view text, size_t block = 1 << 16) {
  GutenbergScanner scanner;
  for (size_t i = 0; i < text.size(); i += block) scanner.add(text.substr(i, block));
  return scanner.finish();
}

std::string kept_of(std::string_view text, const Cuts& cuts) {
  std::string kept;
  uint64_t at = 0;
  for (const auto& cut : cuts) {
    kept += text.substr(at, cut.begin - at);
    at = cut.end;
  }
  return kept + std::string(text.substr(at));
}

std::string kept_of(std::string_view text) {
  return kept_of(text, cuts_of(text));
}

// Without space at their ends, and without blank lines.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      lines.emplace_back();
    } else if (c != ' ' || !lines.back().empty()) {
      lines.back() += c;
    }
  }
  std::erase(lines, "");
  for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
  return lines;
}

// Excerpts of Gutenberg's files, some lines from the beginning and end of each, converted to UTF-8 with their
// original line ends.
std::string excerpt(const std::string& name) {
  std::ifstream in(std::string(CHARRNN_TEST_DATA) + "/" + name + ".txt", std::ios::binary);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Expected {
  const char* name;
  const char* first;
  const char* last;
  size_t lines;  // that are not blank
};

// Found by reading the excerpts.
const std::vector<Expected> kExpected = {
    {"chinese", "南山經", "命禹卒布土以定九州。", 7},  // no header; a footer of one line; LF
    {"collected", "THE DECLARATION OF INDEPENDENCE OF THE UNITED STATES OF AMERICA",
     "to each other our Lives, our Fortunes and our sacred Honor.", 36},  // several etexts in one file
    {"french", "Editorial note: the runes in the text are represented by the last two", "du monde.", 16},
    {"german", "Faust: Der Tragödie erster Teil", "Heinrich!  Heinrich!",
     13},                                                             // a footer in German, one in English
    {"middle", "THE ADVENTURES OF HUCKLEBERRY FINN", "THE END", 20},  // *** START, *** END, then small print
    {"modern", "The Time Machine", "still lived on in the heart of man.", 22},
    {"no_footer", "Lincoln's Gettysburg Address, given November 19, 1863",
     "shall not perish from this earth.", 10},
    {"scanned", "Frankenstein, or the Modern Prometheus", "lost in darkness and distance.", 10},
    {"small_print", "A Princess Of Mars", "me that I shall soon know.", 14},
    {"spanish", "TRAFALGAR", "Benito Pérez Galdós; edición ilustrada por Enrique y Arturo Mélida", 16},
    {"two_crs", "Edmond Rostand", "Rideau.", 17},  // CR CR LF; "End of" alone in the footer's first line
    {"wrapped", "THE STRANGE CASE OF DR. JEKYLL AND MR. HYDE",
     "bring the life of that unhappy Henry Jekyll to an end.",
     14},  // markers of two lines, a byte order mark
};

TEST(Gutenberg, WhatStaysOfEveryKindOfFileIsTheAuthors) {
  for (const Expected& expected : kExpected) {
    const std::vector<std::string> lines = lines_of(kept_of(excerpt(expected.name)));
    ASSERT_FALSE(lines.empty()) << expected.name;
    EXPECT_EQ(lines.front(), expected.first) << expected.name;
    EXPECT_EQ(lines.back(), expected.last) << expected.name;
    EXPECT_EQ(lines.size(), expected.lines) << expected.name;
    for (const std::string& line : lines) EXPECT_THAT(line, Not(HasSubstr("Gutenberg"))) << expected.name;
  }
}

TEST(Gutenberg, SeveralEtextsInOneFileLoseTheirBannersAndKeepTheirTexts) {
  const std::string text = excerpt("collected");
  const std::string kept = kept_of(text);
  EXPECT_EQ(cuts_of(text).size(), 5u);  // before the first, between the four, after the last
  for (const char* line :
       {"When in the Course of human events, it becomes necessary for", "The United States Bill of Rights.",
        "or to the people.", "JFK's Inaugural Address, January 20, 1961, 12:11 EST",
        "when again touched, as surely they will be, by the better angels of our nature.",
        "The Declaration of Independence of The United States of America"})
    EXPECT_THAT(kept, HasSubstr(line));
  for (const char* words : {"Etext", "SMALL PRINT", "=====", "***", "We hope to rely", "retranscription"})
    EXPECT_THAT(kept, Not(HasSubstr(words)));
  // One blank line stays between two texts.
  EXPECT_THAT(kept, HasSubstr("sacred Honor.\r\n\r\nThe United States Bill of Rights.\r\n"));
}

TEST(Gutenberg, BlocksMayBeCutAnywhere) {
  for (const Expected& expected : kExpected) {
    const std::string text = excerpt(expected.name);
    const Cuts cuts = cuts_of(text);
    for (const size_t block : {1, 2, 3, 5, 7, 11, 64, 241, 1000})
      EXPECT_EQ(cuts_of(text, block), cuts) << expected.name << " " << block;
  }
}

TEST(Gutenberg, EveryLineEndGivesTheSameLines) {
  for (const Expected& expected : kExpected) {
    std::string lf;
    for (const char c : excerpt(expected.name))
      if (c != '\r') lf += c;
    const std::vector<std::string> lines = lines_of(kept_of(lf));
    for (const std::string line_end : {"\r\n", "\r\r\n", "\r"}) {
      std::string text;
      for (const char c : lf) c == '\n' ? text += line_end : text += c;
      const Cuts cuts = cuts_of(text);
      EXPECT_EQ(lines_of(kept_of(text, cuts)), lines) << expected.name;
      for (const size_t block : {1, 2, 3, 7}) EXPECT_EQ(cuts_of(text, block), cuts) << expected.name;
    }
  }
}

TEST(Gutenberg, FilesPutTogetherKeepWhatEachWouldKeep) {
  for (const Expected& a : kExpected) {
    for (const Expected& b : kExpected) {
      // A note before the first opening is only recognised as Gutenberg's at the beginning of a file.
      if (std::string_view(b.name) == "collected") continue;
      std::vector<std::string> expected = lines_of(kept_of(excerpt(a.name)));
      for (const std::string& line : lines_of(kept_of(excerpt(b.name)))) expected.push_back(line);
      EXPECT_EQ(lines_of(kept_of(excerpt(a.name) + excerpt(b.name))), expected) << a.name << " " << b.name;
    }
  }
}

TEST(Gutenberg, TextWithoutMarkersStaysWhole) {
  const std::string article =
      "Project Gutenberg is a library of ebooks. It was founded by Michael Hart; the end of Project "
      "Gutenberg\n"
      "is not in sight.\n\n"
      "The Project Gutenberg Etext of the Declaration was the first, and the small print of its license "
      "came\n"
      "later. *** START OF THE PROJECT GUTENBERG EBOOK X *** is how a file begins.\n\n"
      "In the end they produced 70,000 ebooks,\nProduced by volunteers.\n\n* * *\n\n";
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("\r"), std::string("a"), std::string("\uFEFF"),
        std::string("Call me Ishmael.\r\n"), article, article + article + article})
    EXPECT_THAT(cuts_of(text), IsEmpty()) << text;
}

const std::string kStart = "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n";
const std::string kEnd = "*** END OF THE PROJECT GUTENBERG EBOOK X ***\n";
const std::string kBanner = "The Project Gutenberg EBook of X, by Y\n\nTitle: X\n\n";

TEST(Gutenberg, AMarkerMayLackItsPartner) {
  EXPECT_EQ(kept_of(kBanner + kStart + "\nOne.\n\nTwo.\n"), "One.\n\nTwo.\n");
  EXPECT_EQ(kept_of(kStart + "\nOne.\n"), "One.\n");
  EXPECT_EQ(kept_of("One.\n\n" + kEnd), "One.\n");
  EXPECT_EQ(kept_of("lines of a license\n\n" + kStart + "\n\nProduced by Z\n\n\nOne.\n"), "One.\n");
  EXPECT_EQ(kept_of("One.\n\n\nFin du Projet Gutenberg etext de X,\npar Y\n"), "One.\n");
  EXPECT_EQ(kept_of("One.\n\nEinde van het Project Gutenberg EBoek X\n"), "One.\n");
  EXPECT_EQ(kept_of("One.\n\n" + kEnd + "\nThis file should be named x.txt\n\nMore\nof it.\n"), "One.\n");
  EXPECT_EQ(kept_of(kEnd), "");
  EXPECT_EQ(kept_of(kStart), "");
  EXPECT_EQ(kept_of(kStart + kEnd), "");
  EXPECT_EQ(kept_of("*** START OF THE PROJECT GUTENBERG EBOOK X\nIs a text without"), "Is a text without");
}

TEST(Gutenberg, CreditsGoAndTitlesStay) {
  EXPECT_EQ(kept_of(kStart + "(Produced by Z)\n\nSpecial thanks for this etext\n\nA Pretext\n"),
            "A Pretext\n");
  EXPECT_EQ(kept_of(kStart + "\nHistoria Gallica\n\nProduced by Z\n"), "Historia Gallica\n\nProduced by Z\n");
  EXPECT_EQ(kept_of("One.\n\nDecember, 1975  [Etext #6]\n\nThe Project Gutenberg Etext of Odes\n\n"
                    "Officially released in 1975\n\n\nOdes\n"),
            "One.\n\nOdes\n");
}

// If nothing after an end mentions Gutenberg, what follows is text.
TEST(Gutenberg, TextAfterAnEndWithoutLicenceStays) {
  EXPECT_EQ(kept_of(kBanner + kStart + "\nOne.\n\n" + kEnd + "\n\nTwo.\n\nThree.\n"),
            "One.\n\nTwo.\n\nThree.\n");
  EXPECT_EQ(kept_of("One.\n\nEnd of Project Gutenberg's X, by Y\n\nTwo.\n"), "One.\n\nTwo.\n");
  EXPECT_EQ(kept_of("One.\n\nEnd of Project Gutenberg's X, by Y\n\n***\nTwo.\n"), "One.\nTwo.\n");
}

TEST(Gutenberg, ALongTextBeforeAHeaderStays) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "A line of somebody's.\n";
  EXPECT_EQ(kept_of(text + "\n" + kBanner + kStart + "\nOne.\n"), text + "\nOne.\n");
  EXPECT_EQ(kept_of(text + "\n" + kStart + "\nOne.\n"), text + "\nOne.\n");
  EXPECT_EQ(kept_of(kBanner + text + "\n" + kStart + "\nOne.\n"), kBanner + text + "\nOne.\n");
  const std::string poem = "The Project Gutenberg EBook of Odes, by Y\n\nA poem.\n";  // its header has no end
  EXPECT_EQ(kept_of(poem + "\n" + kBanner + kBanner + kStart + "\nOne.\n"), poem + "\nOne.\n");
}

// Small print at the end must not be taken to begin at the title banner, before a short text.
TEST(Gutenberg, AShortTextBeforeSmallPrintStays) {
  const std::string small =
      "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***\nWhy?\n"
      "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n";
  EXPECT_EQ(kept_of(kBanner + "\nA poem.\n\n" + small), kBanner + "\nA poem.\n");
  EXPECT_EQ(kept_of(kBanner + small + "\nA poem.\n"), "A poem.\n");
}

TEST(Gutenberg, ALongLineIsNoMarker) {
  const std::string words(5'000'000, 'x');
  const std::string spaces(1000, ' ');
  for (const std::string& text :
       {words, kStart.substr(0, kStart.size() - 1) + words, words + kStart, words + kEnd + words,
        kEnd.substr(0, kEnd.size() - 1) + words + "***\n", spaces + words, spaces + kStart + "\n" + words})
    EXPECT_EQ(kept_of(text).find(words) != std::string::npos, true);
  EXPECT_EQ(cuts_of(spaces + words, 100), cuts_of(spaces + words));
  // Long titles make long markers.
  const std::string title(600, 'X');
  EXPECT_EQ(kept_of("*** START OF THE PROJECT GUTENBERG EBOOK " + title + " ***\nOne.\n"), "One.\n");
}

TEST(Gutenberg, CutsAreWholeLinesAscendingAndDisjoint) {
  const std::vector<std::string> pieces = {kStart,
                                           kEnd,
                                           kBanner,
                                           "\n",
                                           "\r\n",
                                           "\r",
                                           "One.\n",
                                           "Produced by Z\n",
                                           "***\n",
                                           "x",
                                           "The Project Gutenberg Etext of X\n",
                                           "End of Project Gutenberg's X\n",
                                           "End of\n",
                                           "[Etext #1]\n",
                                           "***START**THE SMALL PRINT!**\n",
                                           "*END*THE SMALL PRINT!*\n",
                                           "This file should be named x.txt\n",
                                           "to hear about new eBooks.\n",
                                           "Project Gutenberg's X\n"};
  uint32_t random = 1;
  const auto next = [&](size_t n) { return (random = random * 1664525 + 1013904223, (random >> 8) % n); };
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (size_t n = next(30); n > 0; --n) text += pieces[next(pieces.size())];
    const Cuts cuts = cuts_of(text);
    uint64_t at = 0;
    for (const auto& cut : cuts) {
      ASSERT_LE(at, cut.begin);
      ASSERT_LT(cut.begin, cut.end);
      ASSERT_LE(cut.end, text.size());
      for (const uint64_t place : {cut.begin, cut.end})
        ASSERT_TRUE(place == 0 || place == text.size() || text[place - 1] == '\n' || text[place - 1] == '\r')
            << text;
      at = cut.end;
    }
    ASSERT_EQ(cuts_of(text, 1 + next(9)), cuts) << text;
  }
}

// Only markers: neither time nor memory may grow faster than the text.
TEST(Gutenberg, ManyMarkersAreFast) {
  for (const std::string& line : {kEnd, kStart, kBanner, std::string("End of Project Gutenberg\n"),
                                  std::string("\nThe Project Gutenberg Etext of X\n")}) {
    std::string text;
    while (text.size() < 1'000'000) text += line;
    const auto begin = std::chrono::steady_clock::now();
    cuts_of(text);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  }
}

}  // namespace
}  // namespace charrnn
