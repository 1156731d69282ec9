#include "charrnn/text/source/charset_clues.h"

#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/text/source/charset_names.h"

namespace charrnn {
namespace {

constexpr size_t kDeclaredBytes = 60;    // longer than any name
constexpr size_t kDetectorBytes = 8000;  // ICU's detector reads no more than this
constexpr size_t kEnoughWideBytes = 32;  // fewer than these prove nothing
constexpr int64_t kNoEvidence = 10;      // percent: what ICU reports if nothing contradicts a charset
constexpr std::string_view kDeclares = "character set encoding:";

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

struct CloseDetector {
  void operator()(UCharsetDetector* detector) const { ucsdet_close(detector); }
};
using Detector = std::unique_ptr<UCharsetDetector, CloseDetector>;

Converter open_converter(const std::string& name) {
  UErrorCode status = U_ZERO_ERROR;
  Converter converter(ucnv_open(name.c_str(), &status));
  check(U_SUCCESS(status), "ICU could not open its converter for ", name, ": ", u_errorName(status));
  return converter;
}

bool same_letter(char a, char b) {
  return u_tolower(a) == u_tolower(b);
}

// `bytes` read as characters of a charset. A character that is cut off at the end does not count.
struct Reading {
  uint64_t characters = 0;
  uint64_t malformed = 0;
  uint64_t odd = 0;  // malformed, unassigned, private and control characters: a text has hardly any
  uint64_t ascii = 0;
};

bool is_odd(UChar32 character) {
  if (character < 0x20 && is_line_end(static_cast<char>(character))) return false;
  return (U_GET_GC_MASK(character) & (U_GC_CN_MASK | U_GC_CC_MASK | U_GC_CO_MASK | U_GC_CS_MASK)) != 0;
}

Reading read_as(const std::string& charset, std::string_view bytes) {
  const Converter converter = open_converter(charset);
  UErrorCode status = U_ZERO_ERROR;
  ucnv_setToUCallBack(converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  Reading reading;
  while (from < end) {
    status = U_ZERO_ERROR;
    const UChar32 character = ucnv_getNextUChar(converter.get(), &from, end, &status);
    if (status == U_INDEX_OUTOFBOUNDS_ERROR || status == U_TRUNCATED_CHAR_FOUND) break;
    ++reading.characters;
    if (U_FAILURE(status)) ++reading.malformed;
    if (U_FAILURE(status) || is_odd(character)) ++reading.odd;
    if (U_SUCCESS(status) && character < 0x80) ++reading.ascii;
  }
  return reading;
}

// The confidence of ICU's detector in each charset that `part` may be in, the greatest of its languages.
std::map<std::string, int32_t> confidences_in(UCharsetDetector* detector, std::string_view part) {
  UErrorCode status = U_ZERO_ERROR;
  ucsdet_setText(detector, part.data(), static_cast<int32_t>(part.size()), &status);
  int32_t matches = 0;
  const UCharsetMatch** match = ucsdet_detectAll(detector, &matches, &status);
  if (status == U_INVALID_CHAR_FOUND) status = U_ZERO_ERROR;  // ICU's "no charset has these bytes"
  check(U_SUCCESS(status), "ICU's charset detector failed: ", u_errorName(status));
  std::map<std::string, int32_t> confidences;
  for (int32_t i = 0; i < matches; ++i) {
    const std::string name = standard_variant(known_charset_name(ucsdet_getName(match[i], &status)));
    if (is_wide(name)) continue;  // decided by their NUL bytes
    int32_t& confidence = confidences[name];
    confidence = std::max(confidence, ucsdet_getConfidence(match[i], &status));
  }
  return confidences;
}

}  // namespace

bool is_wide(const std::string& charset) {
  return charset.starts_with("UTF-16") || charset.starts_with("UTF-32");
}

bool is_escaped(const std::string& charset) {
  return charset.starts_with("ISO-2022");
}

// ICU's list is longer: UTF-7, whose mark is the ASCII text "+/v8", and charsets in which nobody writes
// files.
std::optional<ByteOrderMark> byte_order_mark(std::string_view head) {
  UErrorCode status = U_ZERO_ERROR;
  int32_t length = 0;
  const char* found =
      ucnv_detectUnicodeSignature(head.data(), static_cast<int32_t>(head.size()), &length, &status);
  if (U_FAILURE(status) || found == nullptr) return std::nullopt;
  const std::string name = found;
  if (name != kUtf8 && !is_wide(name)) return std::nullopt;
  return ByteOrderMark{name, static_cast<size_t>(length)};
}

std::string declaration(std::string_view head) {
  const auto key = std::search(head.begin(), head.end(), kDeclares.begin(), kDeclares.end(), same_letter);
  if (key == head.end()) return "";
  std::string_view line = head.substr(static_cast<size_t>(key - head.begin()) + kDeclares.size());
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const auto end = std::find_if(line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; });
  line = line.substr(0, std::min<size_t>(static_cast<size_t>(end - line.begin()), kDeclaredBytes));
  return std::string(line.substr(0, line.find_last_not_of(' ') + 1));
}

std::string wide_charset(std::string_view head) {
  const auto nuls = static_cast<size_t>(std::count(head.begin(), head.end(), '\0'));
  const auto controls = static_cast<size_t>(
      std::count_if(head.begin(), head.end(), [](char c) { return c > 0 && c < ' ' && !is_line_end(c); }));
  const bool too_short = head.size() < kEnoughWideBytes;
  if (nuls == 0 || (nuls * 4 < head.size() && (too_short || controls * 100 < head.size()))) return "";
  std::string best;
  Reading best_reading;
  for (const char* charset : {"UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE"}) {
    const Reading reading = read_as(charset, head);
    if (reading.characters == 0 || reading.odd * 100 > reading.characters) continue;
    if (!best.empty() &&
        std::pair(reading.odd, best_reading.ascii) >= std::pair(best_reading.odd, reading.ascii))
      continue;
    best = charset;
    best_reading = reading;
  }
  return best;
}

bool can_spell_declaration(const std::string& charset) {
  return read_as(charset, kDeclares).ascii == kDeclares.size();
}

bool is_single_byte(const std::string& charset) {
  return ucnv_getMaxCharSize(open_converter(charset).get()) == 1;
}

bool fits(const std::string& charset, std::string_view sample) {
  const Reading reading = read_as(charset, sample);
  return reading.malformed * 100 <= reading.characters;
}

// Runs ICU's detector on parts of the sample; returns the charset with the greatest sum of confidences.
Charset detect_charset(std::string_view sample) {
  std::map<std::string, int64_t> sums;
  UErrorCode status = U_ZERO_ERROR;
  const Detector detector(ucsdet_open(&status));
  check(U_SUCCESS(status), "ICU's charset detector failed: ", u_errorName(status));
  for (size_t from = 0; from < sample.size();) {
    std::string_view part = sample.substr(from, kDetectorBytes);
    if (from + part.size() < sample.size()) part = part.substr(0, part.rfind('\n') + 1);
    if (part.empty()) part = sample.substr(from, kDetectorBytes);
    from += part.size();
    for (const auto& [name, confidence] : confidences_in(detector.get(), part))
      sums[name] += int64_t{confidence} * static_cast<int64_t>(part.size());
  }
  const int64_t size = std::max<int64_t>(1, static_cast<int64_t>(sample.size()));
  std::string best = "ISO-8859-1";
  for (const auto& [name, sum] : sums) {
    if (sum > std::max(sums[best], kNoEvidence * size)) best = name;
  }
  return {best, CharsetEvidence::kDetected, static_cast<int>(sums[best] / size)};
}

}  // namespace charrnn
