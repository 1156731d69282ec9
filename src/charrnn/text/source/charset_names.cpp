#include "charrnn/text/source/charset_names.h"

#include <unicode/uchar.h>
#include <unicode/ucnv.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "charrnn/core/edit_distance.h"

namespace charrnn {
namespace {

// Charsets, each with the Windows charset that has letters in place of its control characters 0x80 to 0x9f.
constexpr std::pair<std::string_view, std::string_view> kWindowsVariants[] = {{"ISO-8859-1", "windows-1252"},
                                                                              {"ISO-8859-2", "windows-1250"},
                                                                              {"ISO-8859-7", "windows-1253"},
                                                                              {"ISO-8859-8", "windows-1255"},
                                                                              {"ISO-8859-9", "windows-1254"}};

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(u_tolower(c)); });
  return text;
}

}  // namespace

std::string known_charset_name(const std::string& name) {
  if (name.find_first_not_of(" -_") == std::string::npos || name.size() >= UCNV_MAX_CONVERTER_NAME_LENGTH)
    return "";
  for (const char* standard : {"MIME", "IANA"}) {
    UErrorCode status = U_ZERO_ERROR;
    const char* found = ucnv_getStandardName(name.c_str(), standard, &status);
    if (U_SUCCESS(status) && found != nullptr) return std::strcmp(found, "US-ASCII") == 0 ? kAscii : found;
  }
  UErrorCode status = U_ZERO_ERROR;  // below: only ICU has a name for it
  const char* found = ucnv_getAlias(name.c_str(), 0, &status);
  return U_SUCCESS(status) && found != nullptr ? found : "";
}

std::string declared_charset_name(const std::string& words) {
  std::vector<std::string> tries = {words};
  if (const size_t open = words.find('('); open != std::string::npos) {
    tries.push_back(words.substr(open + 1, words.find(')', open) - open - 1));
    tries.push_back(words.substr(0, open));
  }
  for (const std::string& name : tries) {
    for (const std::string& spelled : {name, "cs" + name}) {
      if (std::string found = known_charset_name(spelled); !found.empty()) return found;
    }
  }
  return "";
}

std::string windows_variant(const std::string& charset) {
  for (const auto& [standard, windows] : kWindowsVariants) {
    if (standard == charset) return std::string(windows);
  }
  return charset;
}

std::string standard_variant(const std::string& charset) {
  for (const auto& [standard, windows] : kWindowsVariants) {
    if (windows == charset) return std::string(standard);
  }
  return charset;
}

std::string near_charset_names(const std::string& name) {
  std::vector<std::pair<size_t, std::string>> nearest;  // of each charset: the distance, the name
  for (int32_t i = 0; i < ucnv_countAvailable(); ++i) {
    const char* const converter = ucnv_getAvailableName(i);
    UErrorCode status = U_ZERO_ERROR;
    std::pair<size_t, std::string> best = {SIZE_MAX, ""};
    for (uint16_t k = 0; k < ucnv_countAliases(converter, &status); ++k) {
      const std::string alias = ucnv_getAlias(converter, k, &status);
      best = std::min(best, {edit_distance(lower_case(name), lower_case(alias)), alias});
    }
    nearest.push_back(best);
  }
  const size_t shown = std::min<size_t>(3, nearest.size());
  std::partial_sort(nearest.begin(), nearest.begin() + static_cast<ptrdiff_t>(shown), nearest.end());
  std::string list;
  for (size_t i = 0; i < shown; ++i) list += (i == 0 ? "" : ", ") + nearest[i].second;
  return list;
}

}  // namespace charrnn
