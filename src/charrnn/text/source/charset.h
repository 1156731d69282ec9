// Which charset a file is in, from its bytes. Evidence in this order: a byte order mark; what the text
// declares
// ("Character set encoding: ISO-8859-1", as Project Gutenberg writes it); valid UTF-8; ICU's detector. Where
// the bytes speak against a declaration, the bytes are right. Names are IANA's; conversion is
// charset_decoder's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace charrnn {

enum class CharsetEvidence { kMark, kDeclared, kValidUtf8, kDetected, kGiven };

struct Charset {
  std::string name;  // "ASCII", "UTF-8", "UTF-16LE", "ISO-8859-1", "windows-1252"
  CharsetEvidence evidence = CharsetEvidence::kValidUtf8;
  int confidence = 100;       // of the detector, in percent
  size_t mark_bytes = 0;      // length of the byte order mark, which is not part of the text
  std::string declared = {};  // in the text's own words, "" for nothing; reports show it where it differs
};

// What the bytes of a file show. Pieces of a file can be surveyed apart and merged: the result is the same
// where they were cut after line ends, and the charset found the same wherever no UTF-8 character was cut.
class ByteSurvey {
 public:
  ByteSurvey() = default;
  // Of a piece that is not the first, for merge(); `sample` unless what it is merged into has_whole_sample().
  static ByteSurvey of_later_piece(bool sample);

  void add(std::string_view bytes);
  // Appends the survey of the bytes that follow.
  void merge(const ByteSurvey& next);

  bool has_whole_sample() const;

  uint64_t bytes() const { return bytes_; }
  uint64_t malformed() const { return malformed_; }  // sequences that are no UTF-8

  // Binary is what begins like a PDF, PNG, ZIP, gzip, ... file; what has NUL bytes and is not UTF-16 or
  // UTF-32; and what has control characters in more than 1 % of its bytes, at least 5. Tab, the ends of lines
  // and pages (9 to 13) and escape are no such control characters, nor the shifts 14 and 15 beside escapes
  // (ISO-2022). UTF-16 and UTF-32 are not looked at for them.
  bool looks_binary() const { return !binary_reason().empty(); }
  // "has NUL bytes (the first at byte 17)"; "" for text.
  std::string binary_reason() const;

  // ASCII, which is valid UTF-8, is what has no byte from 0x80, also where it declares more, and no bytes at
  // all. A false declaration is ASCII with bytes from 0x80; UTF-8 with more malformed sequences than one in a
  // hundred (fewer are for InvalidBytes); a single-byte charset where the text is valid UTF-8. ISO-8859-1
  // with bytes from 0x80 to 0x9f is windows-1252. Where ICU's detector finds nothing in favour of any
  // charset: ISO-8859-1, windows-1252.
  Charset decide() const;

 private:
  static constexpr uint64_t kNowhere = UINT64_MAX;

  void count_controls(std::string_view bytes, size_t from, size_t end);
  size_t count_high(std::string_view bytes, size_t from, size_t end);
  void sample_line(std::string_view bytes, size_t at);
  uint64_t count(unsigned first, unsigned last) const;
  uint64_t controls() const;
  bool mostly_utf8() const;
  bool fits(const std::string& charset) const;
  bool declaration_holds(const std::string& charset) const;
  std::string with_c1_letters(const std::string& charset) const;
  Charset detected() const;

  bool keeps_head_ = true;
  bool keeps_sample_ = true;
  uint64_t bytes_ = 0;
  std::array<uint64_t, 256> counts_{};  // of control characters and of bytes in malformed sequences
  uint64_t sequences_ = 0;              // UTF-8 characters of two bytes or more
  uint64_t malformed_ = 0;              // what is none, in sequences
  uint64_t first_nul_ = kNowhere;
  uint64_t first_control_ = kNowhere;
  std::string head_;        // the first bytes: marks, declaration
  std::string sample_;      // the first lines with bytes from 0x80 or escapes: for the detector
  size_t sampled_end_ = 0;  // of the piece that add() is in
};

// A name that a person gave, as IANA spells it; evidence kGiven. Throws, naming near ones, where ICU has none
// such.
Charset given_charset(const std::string& name);

}  // namespace charrnn
