// Wherever a source is cut into blocks, cleaning the blocks has the same result as cleaning the whole: equal
// characters and equal counts.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

#include "../temporary_folder.h"
#include "charrnn/text/document_cleaner.h"
#include "charrnn/text/source/safe_cut.h"
#include "charrnn/text/source/source_reader.h"

namespace charrnn {
namespace {

using std::string_literals::operator""s;

struct Cleaned {
  std::string text;
  std::vector<int64_t> counts;
  uint64_t units = 0;
  bool operator==(const Cleaned&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Cleaned& cleaned) {
  return out << testing::PrintToString(cleaned.text) << " " << testing::PrintToString(cleaned.counts);
}

std::vector<int64_t> numbers(const CleaningCounts& counts) {
  std::vector<int64_t> all = {static_cast<int64_t>(counts.decoded), static_cast<int64_t>(counts.invalid),
                              static_cast<int64_t>(counts.kept)};
  CleaningCounts::visit_changes(counts, [&](std::string_view, int64_t change) { all.push_back(change); });
  return all;
}

// The texts are cleaned as blocks of one source, one after the other.
Cleaned clean_parts(DocumentCleaner& cleaner, const std::vector<std::string>& parts) {
  const Source source;
  Cleaned cleaned;
  CleaningCounts counts;
  for (size_t i = 0; i < parts.size(); ++i) {
    CleanBlock clean;
    clean.block.text = parts[i];
    clean.block.first = i == 0;
    clean.block.last = i + 1 == parts.size();
    cleaner.clean(clean, source);
    cleaned.text += clean.block.text;
    cleaned.units += clean.parts.at(0).units;
    counts.add(clean.counts);
  }
  cleaned.counts = numbers(counts);
  return cleaned;
}

struct Recipe {
  std::string name;
  CorpusSettings settings;
};

template <class Change>
Recipe recipe(const std::string& name, Change change) {
  Recipe made{name, {}};
  made.settings.invalid_bytes = InvalidBytes::kReplace;
  made.settings.document_end = "\x03";
  change(made.settings);
  return made;
}

std::vector<Recipe> recipes() {
  return {
      recipe("nfc", [](CorpusSettings&) {}),
      recipe("nfc, skip", [](CorpusSettings& s) { s.invalid_bytes = InvalidBytes::kSkip; }),
      recipe("nfc, lower case", [](CorpusSettings& s) { s.lower_case = true; }),
      recipe("none, bytes",
             [](CorpusSettings& s) {
               s.normalization = Normalization::kNone;
               s.unit = Unit::kByte;
             }),
      recipe("line ends kept", [](CorpusSettings& s) { s.line_ends = LineEnds::kKeep; }),
      recipe("nfkc, collapse, join space",
             [](CorpusSettings& s) {
               s.normalization = Normalization::kNfkc;
               s.collapse_blanks = true;
               s.join_lines = JoinLines::kSpace;
             }),
      recipe("collapse, join nothing",
             [](CorpusSettings& s) {
               s.collapse_blanks = true;
               s.join_lines = JoinLines::kNothing;
             }),
      recipe("transliterate, lower case",
             [](CorpusSettings& s) {
               s.transliterate = true;
               s.lower_case = true;
             }),
      recipe("drop, nfkc, collapse",
             [](CorpusSettings& s) {
               s.invisible_characters = InvisibleCharacters::kDrop;
               s.normalization = Normalization::kNfkc;
               s.collapse_blanks = true;
             }),
      recipe("drop, letters only, line ends kept",
             [](CorpusSettings& s) {
               s.invisible_characters = InvisibleCharacters::kDrop;
               s.letters_only = true;
               s.line_ends = LineEnds::kKeep;
             }),
      recipe("letters only, join nothing",
             [](CorpusSettings& s) {
               s.letters_only = true;
               s.join_lines = JoinLines::kNothing;
             }),
      recipe("letters only, collapse, join space, skip",
             [](CorpusSettings& s) {
               s.letters_only = true;
               s.collapse_blanks = true;
               s.join_lines = JoinLines::kSpace;
               s.invalid_bytes = InvalidBytes::kSkip;
             }),
      recipe("letters only, line ends kept, collapse",
             [](CorpusSettings& s) {
               s.letters_only = true;
               s.line_ends = LineEnds::kKeep;
               s.collapse_blanks = true;
             }),
      recipe("transliterate, letters only, collapse, join space",
             [](CorpusSettings& s) {
               s.transliterate = true;
               s.letters_only = true;
               s.collapse_blanks = true;
               s.join_lines = JoinLines::kSpace;
             }),
  };
}

// Plain words separate texts that have no safe place, so that each of these texts is next to a border.
std::string nasty_text() {
  const std::string things[] = {
      "\r",
      "\r\n",
      "\r\r\n",
      "\r\r",
      "\n\r\n",
      "\n\n\n\n",
      "\n \n\t\n\u00a0\n",
      "\n\u3000",
      " \n",
      "\t\t \t",
      "e\u0301 cafe\u0301",
      "\ne\u0301\n",
      "e\u0323\u0307",
      "\n\u0301marks",
      "\n\u0308\u0323",
      "\u1112\u1161\u11ab",
      "\n\u1112\n\u1161",
      "ΟΔΟΣ",
      "Σ.Σ",
      "ΑΣ\nΑ",
      "Α\u0345Σ",
      "İİ",
      "I\u0307",
      "Straße ẞ",
      "ﬁn ﬄ",
      "\ufe70x",
      "x\u00a8y",
      "\u037e ;",
      "漢字漢字",
      "漢\n字",
      "\n　　漢。\n",
      "\uf900〇",
      "かか\u3099ッカーｶﾞ",
      "ん\nア",
      "👩\u200d🚀🏽",
      "\u00a0\u3000",
      "K\u212aÅ\u212b",
      "½①㎏",
      "กาไทย",
      "שָׁלוֹם",
      "اَلْ",
      "क्षि\nक",
      "Жъь й",
      "Æ Þ ŉ",
      "\u2028\u0085",
      "1\n2\n",
      "--\n--",
      "\n1a\n",
      "a1\n",
      "\x80",
      "\n\xff",
      "e\xff\u0301",
      "\xe2\x82",
      "\xf0\x9f\xa6\n",
      "\0\x01"s,
      "e\x01\u0301",
      "\n\u00ade\u200d\u0301",
      "\n\u3164\u115f\ufffd",
      "\f\v\n",
      "\U00016fe4\U00016fe4Σ",
  };
  std::string text = "\xef\xbb\xbfOne\r\ntwo\r\r\nthrée\r漢\r\r🦊\n\r\r\r\nend\r";
  for (const std::string& thing : things) text += thing + "word\nnext" + thing;
  return text + "\r";
}

TEST(Borders, AnyBlockSizeGivesTheTextAndTheCountsOfOnePiece) {
  const TemporaryFolder folder;
  const std::string text = nasty_text();
  Source source;
  source.file = folder.write("nasty.txt", text);
  SourceFacts facts;
  facts.charset.name = "UTF-8";
  for (const auto& [name, settings] : recipes()) {
    DocumentCleaner cleaner(settings);
    const Cleaned whole = clean_parts(cleaner, {text});
    size_t most_blocks = 0;
    // Every size up to the longest run of difficult text, then fewer and fewer, because the borders repeat.
    for (size_t block = 1; block <= text.size() + 1; block += 1 + block / 64) {
      SourceReader reader(source, facts, settings, block);
      std::vector<std::string> parts;
      uint64_t offset = 0;
      for (TextBlock read; reader.next(read);) {
        ASSERT_EQ(read.offset, offset) << name << block;
        ASSERT_EQ(read.first, parts.empty()) << name << block;
        ASSERT_EQ(read.last, offset + read.text.size() == text.size()) << name << block;
        offset += read.text.size();
        parts.push_back(read.text);
      }
      ASSERT_EQ(clean_parts(cleaner, parts), whole) << name << ", blocks of " << block;
      most_blocks = std::max(most_blocks, parts.size());
    }
    EXPECT_GT(most_blocks, 50u) << name;
  }
}

// One character or a few.
const std::string kAlphabet[] = {
    "a",      "b",          "e",          "K",      "I",      "o",      "x",      "Z",        "t",
    "1",      ".",          ";",          "'",      "-",      "\n",     "\r\n",   "\r",       "\r\r\n",
    " ",      "  ",         "\t",         "\u00a0", "\u3000", "\u0301", "\u0308", "\u0307",   "\u0323",
    "\u0345", "\u20dd",     "\u05b0",     "\u3099", "Σ",      "ς",      "σ",      "Α",        "İ",
    "ı",      "ß",          "ﬁ",          "ﬀ",      "\ufe70", "\u00a8", "\u037e", "Ω",        "\u212a",
    "\u212b", "漢",         "字",         "\uf900", "\u3007", "\u3038", "か",     "ガ",       "ッ",
    "ん",     "ー",         "ｶ",          "ﾞ",      "한",     "\u1112", "\u1161", "\u11ab",   "😀",
    "\u200d", "👩",          "\ufe0f",     "ก",      "เ",      "า",      "ไ",      "ท",        "ย",
    "א",      "ש",          "ב",          "ا",      "ل",      "ْ",       "आ",      "क",        "्",
    "ि",      "Ж",          "ъ",          "ь",      "й",      "Æ",      "Þ",      "ŉ",        "\u1e9e",
    "\u2028", "\u0085",     "\ufeff",     "\u00ad", "\u200b", "\x80",   "\xff",   "\xe2\x82", "\xf0\x9f",
    "\xc3",   "\U00016fe4", "\U00017000", "և",      "ა",      "\u1ec7", "½",      "①",        "㎏",
    "\ufdfa", "…",          "’",          "\x01",   "\0"s,    "\f",     "\u3164", "\ufffd",   "\u034f",
};

// Texts of a few characters, each of one of a few kinds, so that difficult combinations occur.
TEST(Borders, EveryPlaceReportedAsSafeIsSafe) {
  constexpr int kTexts = 1500;
  std::mt19937_64 random(7);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random() % limit); };
  struct Tried {
    explicit Tried(const Recipe& made) : name(made.name), safe_cut(made.settings), cleaner(made.settings) {}
    std::string name;
    SafeCut safe_cut;
    DocumentCleaner cleaner;
    size_t places = 0;
  };
  std::deque<Tried> all;
  for (const Recipe& made : recipes()) all.emplace_back(made);
  for (int i = 0; i < kTexts; ++i) {
    std::vector<std::string> kinds = {"a", "e", "\n"};
    for (size_t k = 2 + below(10); k > 0; --k) kinds.push_back(kAlphabet[below(std::size(kAlphabet))]);
    std::string text;
    for (size_t k = 1 + below(20); k > 0; --k) text += kinds[below(kinds.size())];
    for (Tried& tried : all) {
      std::set<size_t> places;
      for (size_t end = 1; end <= text.size(); ++end) places.insert(tried.safe_cut.last(text.substr(0, end)));
      places.erase(0);
      tried.places += places.size();
      const Cleaned whole = clean_parts(tried.cleaner, {text});
      for (const size_t place : places) {
        ASSERT_EQ(clean_parts(tried.cleaner, {text.substr(0, place), text.substr(place)}), whole)
            << tried.name << ": " << testing::PrintToString(text) << " cut at " << place;
      }
    }
  }
  for (const Tried& tried : all) EXPECT_GT(tried.places, kTexts / 4) << tried.name;
}

size_t last_safe(std::string_view text, const CorpusSettings& settings = {}) {
  return SafeCut(settings).last(text);
}

TEST(SafeCut, TakesTheLastPlaceBetweenLettersLinesOrIdeographs) {
  EXPECT_EQ(last_safe(""), 0u);
  EXPECT_EQ(last_safe("a"), 0u);
  EXPECT_EQ(last_safe("ab"), 1u);
  EXPECT_EQ(last_safe("ab. "), 1u);
  EXPECT_EQ(last_safe("a.\r\r\nc"), 5u);
  EXPECT_EQ(last_safe("a\n"), 0u);
  EXPECT_EQ(last_safe("\nb\r\n"), 1u);
  EXPECT_EQ(last_safe("漢字"), 3u);
  EXPECT_EQ(last_safe("漢\n字."), 4u);
  EXPECT_EQ(last_safe("1 2 3. \xff\n\n"), 0u);
  EXPECT_EQ(last_safe("漢\xe5\xad"), 0u);  // the second one is cut short
}

// Paragraphs of most texts in the world begin with a letter that is not ASCII and end with a full stop.
TEST(SafeCut, AfterALineEndComesWhatCleaningKeeps) {
  EXPECT_EQ(last_safe("α.\nβ"), 4u);
  EXPECT_EQ(last_safe(".\n— Да"), 2u);
  EXPECT_EQ(last_safe(".\n　漢"), 2u);
  EXPECT_EQ(last_safe("1\n 2"), 2u);
  EXPECT_EQ(last_safe("α\n\u0301"), 0u);
  EXPECT_EQ(last_safe("α\n\u00a8"), 0u);  // which NFKC makes a blank and a mark
  EXPECT_EQ(last_safe("α\n\r\n\t\ufeff"), 0u);

  CorpusSettings collapse;
  collapse.collapse_blanks = true;
  EXPECT_EQ(last_safe("1\n 2", collapse), 0u);  // of three line ends and blanks some may go
  EXPECT_EQ(last_safe(".\n　漢", collapse), 0u);
  EXPECT_EQ(last_safe(".\n— Да", collapse), 2u);

  CorpusSettings letters;
  letters.letters_only = true;
  EXPECT_EQ(last_safe("漢字\nα\nβ", letters), 0u);
  EXPECT_EQ(last_safe("1\n2", letters), 0u);
  EXPECT_EQ(last_safe("1\nb", letters), 0u);  // a mark may follow: b and mark are one letter that is dropped
  EXPECT_EQ(last_safe("1\nb ", letters), 2u);
  EXPECT_EQ(last_safe("ab", letters), 0u);
  EXPECT_EQ(last_safe("abc", letters), 1u);
  EXPECT_EQ(last_safe("ae\u0301", letters), 0u);
  EXPECT_EQ(last_safe("a\ne\u0301", letters), 0u);

  CorpusSettings latin;
  latin.transliterate = true;
  EXPECT_EQ(last_safe("漢字", latin), 0u);
  EXPECT_EQ(last_safe("漢\nж", latin), 4u);
  EXPECT_EQ(last_safe("漢\nע", latin), 4u);
  latin.letters_only = true;
  EXPECT_EQ(last_safe("漢\nж", latin), 4u);
  EXPECT_EQ(last_safe("漢\nע", latin), 0u);  // whose Latin form is not a letter
  EXPECT_EQ(last_safe("漢\n1", latin), 0u);
}

}  // namespace
}  // namespace charrnn
