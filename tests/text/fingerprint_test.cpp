#include "charrnn/text/fingerprint.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

// Words of random letters: no passage occurs twice.
std::string words(size_t count, uint64_t seed, const std::string& letters = "abcdefghijklmnopqrstuvwxyz") {
  std::mt19937_64 random(seed);
  const std::u32string alphabet = decode_utf8(letters);
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 3 + random() % 6; k > 0; --k) append_utf8(alphabet[random() % alphabet.size()], text);
    text += i % 10 == 9 ? '\n' : ' ';
  }
  return text;
}

Fingerprint::Passages passages(const std::string& text) {
  Fingerprint fingerprint;
  fingerprint.add(text);
  return fingerprint.passages();
}

TEST(Fingerprint, CaseAndWhatLiesBetweenLettersMakeNoDifference) {
  const auto plain = passages("It was the best of times it was the worst of times it was the age of wisdom");
  EXPECT_EQ(
      passages("It was the best of times,\nit was the worst of times; it WAS the “age” of\r\n   wisdom..."),
      plain);
  EXPECT_NE(passages("It was the best of times it was the worst of times it was the age of foolishness"),
            plain);
  EXPECT_EQ(passages("Été à Paris, où l'on est très bien, là-bas, près de l'Opéra et du canal de l'Ourcq"),
            passages("éTÉ À PARIS où l’on est TRÈS bien là bas près de l’opéra et du canal de l’ourcq"));
  EXPECT_EQ(passages("春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。"),
            passages("春眠不觉晓\n处处闻啼鸟\n夜来风雨声\n花落知多少\n"));
}

// However a text is cut: added piece by piece, and appended as fingerprints of the parts.
TEST(Fingerprint, PiecesGiveThatOfTheWhole) {
  for (const std::string letters : {"abcdefghij", "абвгдеж", "春眠不觉晓处处闻啼鸟", "aé漢"}) {
    const std::string text = words(300, 1, letters);
    const auto whole = passages(text);
    std::mt19937_64 random(2);
    for (const size_t most : {1u, 2u, 7u, 40u, 1000u}) {
      Fingerprint added, appended;
      for (size_t at = 0; at < text.size();) {
        size_t end = std::min(text.size(), at + 1 + random() % most);
        while (end < text.size() && U8_IS_TRAIL(text[end])) ++end;
        const std::string piece = text.substr(at, end - at);
        added.add(piece);
        Fingerprint of_piece;
        of_piece.add(piece);
        appended.append(of_piece, piece);
        at = end;
      }
      EXPECT_EQ(added.passages(), whole) << letters << most;
      EXPECT_EQ(appended.passages(), whole) << letters << most;
    }
  }
}

// The share of common passages is known by construction: with n words in both texts and m in each alone it is
// n / (n + 2 m). With 32 bins the estimate's standard deviation is at most 0.09; the bound is three of them.
TEST(Fingerprint, LikenessIsTheShareOfPassagesInCommon) {
  const std::string common = words(2000, 1);
  EXPECT_EQ(likeness(passages(common), passages(common)), 1);
  EXPECT_LT(likeness(passages(common), passages(words(2000, 2))), 0.1);
  for (const size_t alone : {100u, 500u, 1000u, 3000u}) {
    const double expected = 2000.0 / static_cast<double>(2000 + 2 * alone);
    EXPECT_NEAR(likeness(passages(common + words(alone, 3)), passages(words(alone, 4) + common)), expected,
                0.27)
        << alone;
  }
}

TEST(Fingerprint, ShortTextsAreLikeThoseWithTheSameLetters) {
  EXPECT_EQ(likeness(passages("Yes, I am."), passages("yes i am")), 1);
  EXPECT_EQ(likeness(passages("Yes, I am."), passages("No, I am not.")), 0);
  EXPECT_EQ(likeness(passages("..."), passages("...")), 0);  // nothing to compare
  EXPECT_EQ(passages(""), Fingerprint::Passages{});
}

}  // namespace
}  // namespace charrnn
