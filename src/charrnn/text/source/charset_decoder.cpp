#include "charrnn/text/source/charset_decoder.h"

#include <unicode/ucnv.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

constexpr size_t kUnits = 16384;  // UTF-16 code units at once
constexpr char16_t kByteOrderMark = 0xfeff;
constexpr char32_t kReplacement = 0xfffd;
constexpr size_t kLongest = 3;  // bytes of UTF-8 for a code unit, or for U+FFFD

std::string hex(std::string_view bytes) {
  std::string digits;
  for (const char byte : bytes) {
    std::array<char, 4> two{};
    std::snprintf(two.data(), two.size(), " %02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    digits += two.data();
  }
  return digits;
}

}  // namespace

void CharsetDecoder::Close::operator()(UConverter* converter) const {
  ucnv_close(converter);
}

CharsetDecoder::CharsetDecoder(const std::string& charset, InvalidBytes policy, std::string origin)
    : charset_(charset), policy_(policy), origin_(std::move(origin)), units_(kUnits) {
  UErrorCode status = U_ZERO_ERROR;
  if (!charset.empty()) converter_.reset(ucnv_open(charset.c_str(), &status));
  if (converter_ == nullptr || U_FAILURE(status))
    fail_usage(origin_, ": ICU has no converter for the charset '", charset,
               "': set corpus.encoding to another");
  ucnv_setToUCallBack(converter_.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
  check(U_SUCCESS(status), "ICU's converter for ", charset, ": ", u_errorName(status));
  unit_bytes_ = static_cast<size_t>(ucnv_getMinCharSize(converter_.get()));
}

std::string_view CharsetDecoder::decode(std::string_view bytes) {
  size_ = 0;
  convert(bytes, false);
  return {out_.data(), size_};
}

std::string_view CharsetDecoder::finish() {
  size_ = 0;
  convert("", true);
  return {out_.data(), size_};
}

void CharsetDecoder::convert(std::string_view bytes, bool last) {
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  while (true) {
    UErrorCode status = U_ZERO_ERROR;
    char16_t* to = units_.data() + kept_units_;
    const char* const before = from;
    ucnv_toUnicode(converter_.get(), &to, units_.data() + units_.size(), &from, end, nullptr, last ? 1 : 0,
                   &status);
    offset_ += static_cast<uint64_t>(from - before);
    put_units(static_cast<size_t>(to - units_.data()));
    if (status == U_BUFFER_OVERFLOW_ERROR) continue;
    if (U_SUCCESS(status)) break;

    std::array<char, 32> malformed{};
    auto size = static_cast<int8_t>(malformed.size());
    UErrorCode got = U_ZERO_ERROR;
    ucnv_getInvalidChars(converter_.get(), malformed.data(), &size, &got);
    // ICU may have read beyond the malformed bytes, even in an earlier block; it reads those again. In UTF-16
    // this can only be one byte, which ICU does not count.
    const auto read_again = ucnv_toUCountPending(converter_.get(), &got);
    check(U_SUCCESS(got) && size > 0, origin_, ": ICU's converter for ", charset_, " failed near byte ",
          offset_, ": ", u_errorName(status));
    const auto length = static_cast<size_t>(static_cast<uint8_t>(size));  // above 0
    const uint64_t offset = offset_ - static_cast<uint64_t>(read_again) - length;
    reserve(1);
    put_invalid({malformed.data(), length}, offset - offset % unit_bytes_);
  }
  if (last && kept_units_ > 0) {
    kept_units_ = 0;
    reserve(1);
    put_invalid("", offset_);
  }
}

// Appends the first `count` of units_ to out_, and keeps the first half of a pair at their end for the next
// time.
void CharsetDecoder::put_units(size_t count) {
  const char16_t* from = units_.data();
  const char16_t* const end = from + count;
  kept_units_ = 0;
  if (at_start_ && count > 0) {
    at_start_ = false;
    if (*from == kByteOrderMark) ++from;
  }
  reserve(count);
  while (from < end) {
    char* out = out_.data() + size_;
    const char16_t* const ascii = from;
    while (from < end && *from < 0x80) *out++ = static_cast<char>(*from++);
    size_ += static_cast<size_t>(from - ascii);
    while (from < end && *from >= 0x80) {
      const char16_t unit = *from++;
      if (!U16_IS_SURROGATE(unit)) {
        put(unit);
      } else if (U16_IS_SURROGATE_LEAD(unit) && from == end) {
        units_[0] = unit;
        kept_units_ = 1;
      } else if (U16_IS_SURROGATE_LEAD(unit) && U16_IS_TRAIL(*from)) {
        put(static_cast<char32_t>(U16_GET_SUPPLEMENTARY(unit, *from++)));
      } else {
        put_invalid("", offset_);
      }
    }
  }
}

// out_ must have room.
void CharsetDecoder::put(char32_t character) {
  U8_APPEND_UNSAFE(out_.data(), size_, static_cast<UChar32>(character));
}

// Makes room in out_ for `units` more code units.
void CharsetDecoder::reserve(size_t units) {
  const size_t needed = size_ + units * kLongest;
  if (out_.size() < needed) out_.resize(std::max(needed, out_.size() * 2));
}

// `bytes` is empty for half a surrogate pair, which a few Unicode charsets (UTF-7, SCSU) can spell; ICU does
// not report where it was. out_ has room for its code unit.
void CharsetDecoder::put_invalid(std::string_view bytes, uint64_t offset) {
  if (policy_ == InvalidBytes::kError) {
    const std::string found = bytes.empty() ? concat("half a surrogate pair before byte ", offset)
                                            : concat("the bytes", hex(bytes), " at byte ", offset);
    fail_usage(
        origin_, ": expected text in ", charset_, ", found ", found,
        ": set corpus.encoding to the charset of this file, or corpus.invalid_bytes to replace or skip");
  }
  ++invalid_;
  at_start_ = false;
  if (policy_ == InvalidBytes::kReplace) put(kReplacement);
}

}  // namespace charrnn
