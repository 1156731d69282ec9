// Recognises single lines of Project Gutenberg's boilerplate, for GutenbergScanner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace charrnn::gutenberg {

inline constexpr size_t kHeadBytes = 240;            // of a line, which are examined
inline constexpr size_t kLongestMarkerBytes = 1024;  // no longer line is a marker

enum class LineKind {
  kNone,
  kOpening,     // begins a header, if a header's end follows
  kBanner,      // The Project Gutenberg Etext of ...
  kRelease,     // December, 1975  [Etext #5]
  kSmallStart,  // ***START**THE SMALL PRINT!**
  kStart,       // *** START OF ..., a header's end
  kSmallEnd,    // *END*THE SMALL PRINT!, a header's or a licence's end
  kFoot,        // End of Project Gutenberg's ...
  kEnd,         // *** END OF ...
  kLicence,     // first line of the licence after a text
  kLicenceEnd,
};

// The kind of a line, regardless of other lines; `lower` is lower_case(line).
LineKind kind_of(std::string_view line, std::string_view lower);

// A cheap test that few lines pass, among them all that have a kind; `line` begins with its first character
// that is not a space.
bool may_be_marker(std::string_view line, size_t length, bool starts_paragraph);

// Lines made of three or more asterisks or equals signs and nothing else count as blank.
bool is_rule(std::string_view head, size_t length);

// Of lower-case text:
bool names_gutenberg(std::string_view lower);  // or etexts, ebooks, small print
// "End of the Project Gutenberg Etext of", "Ende dieses Projekt Gutenberg", "Fin du Projet Gutenberg": a word
// for end, and the name within the first nine words.
bool is_foot_text(std::string_view lower);
bool is_end_word(std::string_view word);
// A paragraph, right after a header, about who made the etext, and from what.
bool is_credit(std::string_view lower);
// Whether two banners have equal titles, up to the length of the shorter one; only letters count.
bool same_title(std::string_view a, std::string_view b);

// ASCII letters only; typographic apostrophes become plain ones.
std::string lower_case(std::string_view s);
std::string_view first_word(std::string_view s);
bool is_space(char c);

}  // namespace charrnn::gutenberg
