#include "charrnn/text/source/safe_cut.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "charrnn/text/invisible.h"
#include "charrnn/text/transliteration.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

bool is_ascii_letter(int32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The character that ends at `end`; negative at the start, or for malformed bytes.
int32_t character_before(std::string_view text, size_t end) {
  auto i = static_cast<int32_t>(std::min<size_t>(end, U8_MAX_LENGTH));
  if (i == 0) return U_SENTINEL;
  const char* const start = text.data() + end - i;
  UChar32 character = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // inside ICU's macro
  U8_PREV(start, 0, i, character);
#pragma GCC diagnostic pop
  return character;
}

int32_t character_at(std::string_view text, size_t begin) {
  const char* at = text.data() + begin;
  return next_or_malformed(at, text.data() + text.size());
}

// Except the Khitan filler U+16FE4, a mark: a sigma is still final if marks separate it from its word.
bool is_ideograph(int32_t character) {
  return character >= 0 && u_hasBinaryProperty(character, UCHAR_IDEOGRAPHIC) != 0 &&
         u_hasBinaryProperty(character, UCHAR_CASE_IGNORABLE) == 0;
}

bool between_ideographs(std::string_view text, size_t place) {
  return !U8_IS_SINGLE(text[place - 1]) && U8_IS_LEAD(text[place]) &&
         is_ideograph(character_before(text, place)) && is_ideograph(character_at(text, place));
}

}  // namespace

SafeCut::SafeCut(const CorpusSettings& settings)
    : keeps_ideographs_(!settings.transliterate && !settings.letters_only),
      letters_only_(settings.letters_only),
      drops_invisible_(settings.invisible_characters == InvisibleCharacters::kDrop),
      collapses_blanks_(settings.collapse_blanks) {
  if (settings.transliterate) transliteration_ = std::make_unique<Transliteration>();
}

SafeCut::~SafeCut() = default;

size_t SafeCut::last(std::string_view text) const {
  for (size_t place = text.empty() ? 0 : text.size() - 1; place > 0; --place) {
    if (is_ascii_letter(text[place - 1]) && is_ascii_letter(text[place]) && !may_be_composed(text, place)) {
      return place;
    }
    if (between_lines(text, place)) return place;
    if (keeps_ideographs_ && between_ideographs(text, place)) return place;
  }
  return 0;
}

// Whether cleaning keeps something of it, whatever follows it, that is not a line end nor, if blanks are
// collapsed, a blank. (Normalisation turns some characters into a blank and a mark, such as U+FE70.)
bool SafeCut::is_kept(int32_t character) const {
  if (drops_invisible_ && (character < 0 || is_invisible(static_cast<char32_t>(character)))) return false;
  if (letters_only_ && (character < 0x80 || !transliteration_)) return is_ascii_letter(character);
  if (u_charType(character) == U_SPACE_SEPARATOR) return !letters_only_ && !collapses_blanks_;
  if (u_isgraph(character) == 0 || (U_GET_GC_MASK(character) & (U_GC_M_MASK | U_GC_CF_MASK)) != 0 ||
      u_getIntPropertyValue(character, UCHAR_NFKC_QUICK_CHECK) != UNORM_YES) {
    return false;
  }
  if (!transliteration_) return true;
  std::string ascii;
  append_utf8(static_cast<char32_t>(character), ascii);
  transliteration_->apply(ascii);
  return !ascii.empty() && (letters_only_ ? std::all_of(ascii.begin(), ascii.end(), is_ascii_letter)
                                          : static_cast<unsigned char>(ascii[0]) > ' ');
}

// A mark may join the letter at `place`, and letters_only then drops both: e + U+0301 is not in a to z. A
// control character between the two may have been removed before.
bool SafeCut::may_be_composed(std::string_view text, size_t place) const {
  if (!letters_only_ || transliteration_) return false;
  if (place + 1 == text.size() || !U8_IS_SINGLE(text[place + 1])) return true;
  return drops_invisible_ && is_invisible(static_cast<unsigned char>(text[place + 1]));
}

bool SafeCut::between_lines(std::string_view text, size_t place) const {
  return text[place - 1] == '\n' && is_kept(character_at(text, place)) && !may_be_composed(text, place);
}

}  // namespace charrnn
