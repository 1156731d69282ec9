#include "charrnn/text/invisible.h"

#include <unicode/uchar.h>
#include <unicode/uniset.h>

#include <array>
#include <cstdio>
#include <memory>

#include "charrnn/core/error.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

std::unique_ptr<const icu::UnicodeSet> make_set(const char* pattern) {
  UErrorCode status = U_ZERO_ERROR;
  auto set = std::make_unique<icu::UnicodeSet>(icu::UnicodeString::fromUTF8(pattern), status);
  check(U_SUCCESS(status) != 0, "ICU does not know the set ", pattern, " (", u_errorName(status), ")");
  set->freeze();  // makes spans fast
  return set;
}

const icu::UnicodeSet& line_separators() {
  static const auto set = make_set("[\\u000B\\u000C\\u0085\\u2028\\u2029]");
  return *set;
}

// DI: Default_Ignorable_Code_Point, characters that a program does not show unless it supports them.
const icu::UnicodeSet& invisible() {
  static const auto set =
      make_set("[[[:Cc:]-[\\t\\n\\r]][:DI:][:NChar:][\\uFFF9-\\uFFFB][\\uFFFD][\\u2028\\u2029]]");
  return *set;
}

std::string code_point(char32_t character) {
  std::array<char, 16> code{};
  std::snprintf(code.data(), code.size(), "U+%04X", static_cast<unsigned>(character));
  return code.data();
}

}  // namespace

bool is_invisible(char32_t character) {
  return invisible().contains(static_cast<UChar32>(character)) != 0;
}

void drop_invisible(std::string& utf8) {
  const icu::UnicodeSet& set = invisible();
  char* out = utf8.data();
  const char* at = utf8.data();
  const char* const end = at + utf8.size();
  while (at < end) {
    const int32_t kept = set.spanUTF8(at, static_cast<int32_t>(end - at), USET_SPAN_NOT_CONTAINED);
    std::memmove(out, at, static_cast<size_t>(kept));
    out += kept;
    at += kept;
    while (at < end) {
      const char* next = at;
      const char32_t character = next_character(next);
      if (!is_invisible(character)) break;
      if (line_separators().contains(static_cast<UChar32>(character)) != 0) *out++ = '\n';
      at = next;
    }
  }
  utf8.resize(static_cast<size_t>(out - utf8.data()));
}

std::string visible(std::string_view text) {
  std::string shown;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const char* const begin = at;
    const int32_t character = next_or_malformed(at, end);
    if (character < 0) {
      append_utf8(kReplacement, shown);
    } else if (static_cast<char32_t>(character) != kReplacement &&
               is_invisible(static_cast<char32_t>(character))) {
      shown += concat("<", code_point(static_cast<char32_t>(character)), ">");
    } else {
      shown.append(begin, at);
    }
  }
  return shown;
}

std::string code_point_name(char32_t character) {
  std::array<char, 128> name{};
  UErrorCode status = U_ZERO_ERROR;
  u_charName(static_cast<UChar32>(character), U_UNICODE_CHAR_NAME, name.data(),
             static_cast<int32_t>(name.size()), &status);
  if (U_SUCCESS(status) != 0 && name[0] != '\0') return code_point(character) + " " + name.data();
  return code_point(character) +
         (u_charType(static_cast<UChar32>(character)) == U_CONTROL_CHAR ? " control character" : "");
}

}  // namespace charrnn
