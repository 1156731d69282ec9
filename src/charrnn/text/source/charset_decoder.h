// Converts bytes in any charset that ICU knows to valid UTF-8, in blocks. (For UTF-8 and ASCII see utf8.h.)
// Bytes that are not a character are an error that reports file, offset and bytes, or are replaced or
// skipped. In windows-1252 the five bytes without a letter, 0x81 8d 8f 90 9d, become U+0081 and so on, as in
// browsers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/config/corpus_settings.h"

struct UConverter;  // ICU's

namespace charrnn {

// A stage of reading: a block of bytes goes in, UTF-8 comes out, wherever the blocks are cut.
class CharsetDecoder {
 public:
  // `origin`, the file, is for messages. Throws Error if ICU does not know the charset.
  CharsetDecoder(const std::string& charset, InvalidBytes policy, std::string origin);

  // The characters that end in this block, valid until the next call. A byte order mark at the start of the
  // first block is not part of the text.
  std::string_view decode(std::string_view bytes);
  // The rest; a character that is cut off at the end counts as invalid bytes. No call may follow.
  std::string_view finish();
  // How many sequences were replaced or skipped so far.
  uint64_t invalid() const { return invalid_; }

 private:
  struct Close {
    void operator()(UConverter* converter) const;
  };

  void convert(std::string_view bytes, bool last);
  void put_units(size_t count);
  void put(char32_t character);
  void reserve(size_t units);
  void put_invalid(std::string_view bytes, uint64_t offset);

  std::string charset_;
  InvalidBytes policy_;
  std::string origin_;
  std::unique_ptr<UConverter, Close> converter_;
  size_t unit_bytes_ = 1;        // 2 in UTF-16, 4 in UTF-32
  std::vector<char16_t> units_;  // UTF-16, between the charset and UTF-8
  size_t kept_units_ = 0;        // the first half of a surrogate pair
  bool at_start_ = true;         // no character was decoded yet
  uint64_t offset_ = 0;          // of the next byte for ICU, from the start
  uint64_t invalid_ = 0;
  std::string out_;
  size_t size_ = 0;  // bytes in out_
};

}  // namespace charrnn
