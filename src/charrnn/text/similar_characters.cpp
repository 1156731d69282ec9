#include "charrnn/text/similar_characters.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <string>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/normalizer.h"
#include "charrnn/text/transliteration.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

constexpr size_t kMostSimilar = 3;

// The ASCII character into which it is transliterated, 0 if that is not a single one.
char32_t ascii_form(Transliteration& transliteration, char32_t character) {
  std::string text;
  append_utf8(character, text);
  transliteration.apply(text);
  return text.size() == 1 ? static_cast<unsigned char>(text[0]) : 0;
}

}  // namespace

std::vector<char32_t> similar_characters(std::u32string_view known, char32_t before, char32_t missing) {
  std::vector<char32_t> similar;
  const auto suggest = [&](char32_t character) {
    const bool is_new = std::find(similar.begin(), similar.end(), character) == similar.end();
    if (character != missing && is_new && similar.size() < kMostSimilar &&
        std::binary_search(known.begin(), known.end(), character)) {
      similar.push_back(character);
    }
  };
  const auto normal_form = [](const std::u32string& characters, Normalization form) {
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
  for (const char32_t character : known) {
    if (similar.size() == kMostSimilar) break;
    if (character >= 0x80 && ascii_form(transliteration, character) == ascii) suggest(character);
  }
  return similar;
}

}  // namespace charrnn
