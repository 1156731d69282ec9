// Finds what Project Gutenberg added to its texts: headers, footers, licences, small print, title banners,
// credits of the transcribers. In: a text as UTF-8, in blocks cut anywhere. Out: the byte ranges to leave
// out. In case of doubt text is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/text/gutenberg/gutenberg_line.h"

namespace charrnn {

// A cut consists of whole lines. It includes adjacent blank lines, and lines of only asterisks or equals
// signs; but if there is text on both sides, the last blank line is kept. Line ends may be LF, CR LF, CR CR
// LF or CR. Stores the first 240 bytes of the lines near a marker, some hundred lines at a time, never the
// whole text.
class GutenbergScanner {
 public:
  void add(std::string_view utf8);

  struct Cut {
    uint64_t begin;  // bytes of the text as it was added
    uint64_t end;
    bool operator==(const Cut&) const = default;
  };
  // Ascending, disjoint; empty if the text has none of Gutenberg's markers. To be called once, after the end
  // of the text.
  std::vector<Cut> finish();

 private:
  struct Line {
    uint64_t text_before;   // end of the last text before this line
    uint64_t text_after;    // begin of the next text after it
    uint64_t spaced_after;  // the same, or the begin of the blank line before that text
    uint64_t number;        // counts the lines that are not blank, from 1
    bool starts_paragraph;  // comes after a blank line or a licence
    bool starred;           // its last byte is an asterisk
    bool names_gutenberg;   // or etexts, ebooks, small print
    gutenberg::LineKind kind;
    std::string text;  // lower case, without space at its ends
  };
  static constexpr uint64_t kFirstLines = 12;  // of a text; there a mention of Gutenberg may open a header
  struct Region {
    uint64_t begin;
    uint64_t text_after;
    uint64_t spaced_after;
  };

  void extend_line(std::string_view piece);
  void end_line(std::string_view piece, uint64_t end);
  void end_lone_crs();
  void take_line(std::string_view head, size_t length, bool blank, char last, uint64_t end);
  void remember(std::string_view head, size_t length, bool marker, char last);

  // All of these take and return indices into run_; an end is the last index that belongs.
  void decide(bool at_end);
  uint64_t header_begin(size_t marker, size_t floor) const;
  uint64_t small_print_begin(size_t marker, size_t floor) const;
  bool header_end_follows(size_t i) const;
  size_t marker_end(size_t i) const;
  size_t paragraph_end(size_t i) const;
  size_t licence_end(size_t last, bool at_end) const;
  size_t credits_end(size_t last) const;
  size_t banner_end(size_t banner, size_t floor) const;
  size_t release_before(size_t banner, size_t floor) const;
  bool is_foot(size_t i) const;
  bool is_lone_licence(size_t i) const;
  void cut(uint64_t begin, size_t last);

  uint64_t line_begin_ = 0;
  std::string head_;   // first bytes of a line that an earlier block began
  size_t length_ = 0;  // its bytes so far
  char last_ = 0;      // its last byte that is not a space; 0: only spaces so far
  size_t crs_ = 0;     // CRs after it; an LF may follow

  uint64_t number_ = 0;    // lines so far that were not blank
  uint64_t text_end_ = 0;  // end of the last one
  bool after_blank_ = true;
  uint64_t blank_begin_ = UINT64_MAX;      // of the last blank line, if nothing has followed it yet
  uint64_t remember_until_ = kFirstLines;  // a line number
  std::vector<Line> run_;                  // remembered lines, none missing between them
  bool seen_marker_ = false;               // some range was cut already
  std::vector<Region> regions_;
};

}  // namespace charrnn
