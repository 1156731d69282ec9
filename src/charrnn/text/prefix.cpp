#include "charrnn/text/prefix.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "charrnn/text/cleaner.h"
#include "charrnn/text/normalizer.h"
#include "charrnn/text/transliteration.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

constexpr size_t kLongPrefix = size_t{1} << 20;
constexpr size_t kMostSimilar = 3;

std::string cleaned(std::string_view prefix, const CorpusSettings& recipe) {
  std::string text(prefix);
  CleaningCounts counts;
  Cleaner(recipe).clean(text, "the prefix", 0, counts);
  // Cleaning trims the ends of lines, also of one that will continue.
  const bool ends_in_blank = !prefix.empty() && (prefix.back() == ' ' || prefix.back() == '\t');
  const bool ends_in_letter = !text.empty() && text.back() >= 'a' && text.back() <= 'z';
  if (recipe.letters_only && ends_in_blank && ends_in_letter) text += ' ';
  return text;
}

// A stage that changes nothing, and each stage by itself.
CorpusSettings no_stage() {
  CorpusSettings settings;
  settings.line_ends = LineEnds::kKeep;
  settings.normalization = Normalization::kNone;
  return settings;
}

template <class Visit>
void for_each_stage(const CorpusSettings& recipe, Visit visit) {
  const auto stage = [&](const char* name, auto CorpusSettings::*member) {
    CorpusSettings alone = no_stage();
    if (alone.*member == recipe.*member) return;
    alone.*member = recipe.*member;
    visit(name, alone);
  };
  stage("line_ends", &CorpusSettings::line_ends);
  stage("invisible_characters", &CorpusSettings::invisible_characters);
  stage("normalization", &CorpusSettings::normalization);
  stage("transliterate", &CorpusSettings::transliterate);
  stage("lower_case", &CorpusSettings::lower_case);
  stage("letters_only", &CorpusSettings::letters_only);
  stage("join_lines", &CorpusSettings::join_lines);
  stage("collapse_blanks", &CorpusSettings::collapse_blanks);
}

// The one ASCII character that stands for it, 0 if there is no such character.
char32_t ascii_form(Transliteration& transliteration, char32_t character) {
  std::string text;
  append_utf8(character, text);
  transliteration.apply(text);
  return text.size() == 1 ? static_cast<unsigned char>(text[0]) : 0;
}

}  // namespace

CleanPrefix clean_prefix(std::string_view prefix, const CorpusSettings& recipe) {
  require_utf8(prefix, "the prefix");
  CleanPrefix clean{cleaned(prefix, recipe), {}};
  if (clean.text == prefix) return clean;
  for_each_stage(recipe, [&](const char* name, const CorpusSettings& alone) {
    if (prefix.size() > kLongPrefix || cleaned(prefix, alone) != prefix) clean.changed_by.emplace_back(name);
  });
  return clean;
}

std::vector<char32_t> similar_characters(const Vocabulary& vocabulary, char32_t before, char32_t missing) {
  std::vector<char32_t> similar;
  const auto suggest = [&](char32_t character) {
    const bool is_new = std::find(similar.begin(), similar.end(), character) == similar.end();
    if (character != missing && is_new && similar.size() < kMostSimilar && vocabulary.find(character)) {
      similar.push_back(character);
    }
  };
  const auto normal_form = [](std::u32string characters, Normalization form) {
    std::string text;
    for (const char32_t character : characters) append_utf8(character, text);
    normalize(text, form);
    return decode_utf8(text);
  };
  const auto c = static_cast<UChar32>(missing);
  for (const UChar32 other : {u_tolower(c), u_toupper(c), u_foldCase(c, U_FOLD_CASE_DEFAULT)}) {
    suggest(static_cast<char32_t>(other));
  }
  if (before != 0) {
    const std::u32string composed = normal_form({before, missing}, Normalization::kNfc);
    if (composed.size() == 1) suggest(composed[0]);
  }
  const std::u32string compatible = normal_form({missing}, Normalization::kNfkc);
  if (compatible.size() == 1) suggest(compatible[0]);
  Transliteration transliteration;
  const char32_t ascii = ascii_form(transliteration, missing);
  if (ascii == 0) return similar;
  suggest(ascii);
  for (const Vocabulary::Character& character : vocabulary.characters()) {
    if (similar.size() == kMostSimilar) break;
    const bool may_be = character.value != Vocabulary::kUnknown && character.value >= 0x80;
    if (may_be && ascii_form(transliteration, character.value) == ascii) suggest(character.value);
  }
  return similar;
}

}  // namespace charrnn
