// Whether a file is text and in which charset, from its bytes. Evidence for a charset, in this order: a byte
// order mark; what the text declares ("Character set encoding: ISO-8859-1", as Project Gutenberg writes it);
// valid UTF-8; ICU's detector. If the bytes contradict a declaration, the bytes are right.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "charrnn/text/source/charset.h"

namespace charrnn {

// What the bytes of a file show. Pieces of a file can be surveyed separately and merged: the result is the
// same if they were cut after line ends, and the charset is the same if no UTF-8 character was cut.
class ByteSurvey {
 public:
  ByteSurvey() = default;
  // For a piece that is not the first, to be merged; `sample` unless the survey before has_whole_sample().
  static ByteSurvey of_later_piece(bool sample);

  void add(std::string_view bytes);
  // Appends the survey of the bytes that follow.
  void merge(const ByteSurvey& next);

  bool has_whole_sample() const;

  uint64_t bytes() const { return bytes_; }
  uint64_t malformed() const { return malformed_; }  // sequences that are not UTF-8

  // A file is binary if it begins like a PDF, PNG, ZIP, gzip, ... file; if it has NUL bytes and is not UTF-16
  // or UTF-32; or if more than 1 % of its bytes, and at least 5, are control characters. Tab, the ends of
  // lines and pages (9 to 13) and escape do not count, nor do the shifts 14 and 15 next to escapes
  // (ISO-2022). In UTF-16 and UTF-32, control characters are not counted.
  bool looks_binary() const { return !binary_reason().empty(); }
  // "has NUL bytes (the first at byte 17)"; "" for text.
  std::string binary_reason() const;

  // A text without bytes from 0x80, or without any bytes, is ASCII (and valid UTF-8), whatever it declares. A
  // declaration is false if it is ASCII and there are bytes from 0x80; UTF-8 and more than one sequence in a
  // hundred is malformed (fewer are left to InvalidBytes); a single-byte charset and the text is valid UTF-8.
  // ISO-8859-1 with bytes from 0x80 to 0x9f is windows-1252. If ICU's detector finds no evidence for any
  // charset, ISO-8859-1 or windows-1252 is assumed.
  Charset decide() const;

 private:
  static constexpr uint64_t kNowhere = UINT64_MAX;

  void count_controls(std::string_view bytes, size_t from, size_t end);
  size_t count_high(std::string_view bytes, size_t from, size_t end);
  void sample_line(std::string_view bytes, size_t at);
  uint64_t count(unsigned first, unsigned last) const;
  uint64_t controls() const;
  bool mostly_utf8() const;
  bool declaration_holds(const std::string& charset) const;
  std::string with_c1_letters(const std::string& charset) const;
  Charset detected() const;

  bool keeps_head_ = true;
  bool keeps_sample_ = true;
  uint64_t bytes_ = 0;
  std::array<uint64_t, 256> counts_{};  // of control characters and of bytes in malformed sequences
  uint64_t sequences_ = 0;              // UTF-8 characters of two bytes or more
  uint64_t malformed_ = 0;              // sequences that are not characters
  uint64_t first_nul_ = kNowhere;
  uint64_t first_control_ = kNowhere;
  std::string head_;        // the first bytes: marks, declaration
  std::string sample_;      // the first lines with bytes from 0x80 or escapes: for the detector
  size_t sampled_end_ = 0;  // of the piece that add() is in
};

}  // namespace charrnn
