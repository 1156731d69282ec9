#include "charrnn/text/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/uvernum.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

// According to UAX 15 no language needs more than 30. ICU's time grows with the square.
constexpr int kLongestMarks = 1000;

const icu::Normalizer2& normalizer(Normalization form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* const found = form == Normalization::kNfkc
                                            ? icu::Normalizer2::getNFKCInstance(status)
                                            : icu::Normalizer2::getNFCInstance(status);
  check(U_SUCCESS(status) != 0, "ICU has no ", enum_name(form), " (", u_errorName(status),
        "): check the package libicu72");
  return *found;
}

// Characters that normalisation never changes, whatever their neighbours: ICU's set, as one bit for each.
class PlainCharacters {
 public:
  explicit PlainCharacters(const char* pattern) : bits_(0x110000 / 64) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeSet set(icu::UnicodeString(pattern), status);
    check(U_SUCCESS(status) != 0, "ICU does not know the set ", pattern, " (", u_errorName(status), ")");
    for (int32_t range = 0; range < set.getRangeCount(); ++range) {
      const auto end = static_cast<uint32_t>(set.getRangeEnd(range));
      for (auto c = static_cast<uint32_t>(set.getRangeStart(range)); c <= end; ++c) {
        bits_[c / 64] |= uint64_t{1} << (c % 64);
      }
    }
  }
  bool contains(UChar32 character) const {
    const auto c = static_cast<uint32_t>(character);
    return (bits_[c / 64] >> (c % 64) & 1) != 0;
  }

 private:
  std::vector<uint64_t> bits_;
};

const PlainCharacters& plain_characters(Normalization form) {
  static const PlainCharacters nfc("[[:NFC_QC=Yes:]&[:ccc=0:]]");
  static const PlainCharacters nfkc("[[:NFKC_QC=Yes:]&[:ccc=0:]]");
  return form == Normalization::kNfkc ? nfkc : nfc;
}

void refuse_endless_marks(std::string_view utf8) {
  int marks = 0;
  const char* const end = utf8.data() + utf8.size();
  for (const char* at = utf8.data(); at < end;) {
    const char32_t character = next_character(at);
    marks = u_getCombiningClass(static_cast<UChar32>(character)) == 0 ? 0 : marks + 1;
    if (marks > kLongestMarks) {
      fail_usage("expected text, found more than ", kLongestMarks, " combining marks on one character, ",
                 "up to ", character_name(character),
                 ": leave the file out, or set corpus.normalization: none");
    }
  }
}

}  // namespace

TextCheck check_text(std::string_view text, Normalization form) {
  const PlainCharacters* const plain = form == Normalization::kNone ? nullptr : &plain_characters(form);
  TextCheck check{.valid = true, .plain = true, .characters = text.size()};
  const char* const end = text.data() + text.size();
  for (const char* at = skip_ascii(text.data(), end); at < end; at = skip_ascii(at, end)) {
    while (at < end && !U8_IS_SINGLE(*at)) {
      const char* const begin = at;
      const int32_t character = next_or_malformed(at, end);
      if (character < 0) return {.valid = false, .plain = false, .characters = 0};
      if (plain != nullptr && !plain->contains(character)) check.plain = false;
      check.characters -= static_cast<uint64_t>(at - begin - 1);
    }
  }
  return check;
}

void normalize(std::string& utf8, Normalization form) {
  if (form == Normalization::kNone) return;
  if (check_text(utf8, form).plain) return;
  const icu::Normalizer2& form_of_icu = normalizer(form);
  refuse_endless_marks(utf8);
  UErrorCode status = U_ZERO_ERROR;
  const icu::StringPiece text(utf8.data(), static_cast<int32_t>(utf8.size()));
  if (form_of_icu.isNormalizedUTF8(text, status) != 0 && U_SUCCESS(status) != 0) return;
  std::string normalized;
  normalized.reserve(utf8.size() + 64);
  icu::StringByteSink<std::string> sink(&normalized);
  form_of_icu.normalizeUTF8(0, text, sink, nullptr, status);
  check(U_SUCCESS(status) != 0, "ICU could not normalise a text of ", utf8.size(),
        " bytes: ", u_errorName(status));
  utf8 = std::move(normalized);
}

std::string unicode_library() {
  return "ICU " U_ICU_VERSION ", Unicode " U_UNICODE_VERSION;
}

}  // namespace charrnn
