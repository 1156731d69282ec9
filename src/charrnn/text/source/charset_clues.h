// What bytes show about their charset, each clue by itself: a byte order mark, a declaration in the text,
// UTF-16 or UTF-32 without a mark, whether a charset fits, the verdict of ICU's detector. byte_survey.h
// weighs them. A `head` is the first bytes of a file, a `sample` lines of it with bytes beyond ASCII.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "charrnn/text/source/charset.h"

namespace charrnn {

// Tab, the ends of lines and of pages: characters below the blank that any text has.
inline bool is_line_end(char byte) {
  return byte >= '\t' && byte <= '\r';
}

bool is_wide(const std::string& charset);     // UTF-16 or UTF-32
bool is_escaped(const std::string& charset);  // ISO-2022
bool is_single_byte(const std::string& charset);

struct ByteOrderMark {
  std::string charset;
  size_t bytes = 0;
};
std::optional<ByteOrderMark> byte_order_mark(std::string_view head);

// What follows "Character set encoding:" on its line, as far as it is printable ASCII; "" for nothing.
std::string declaration(std::string_view head);

// Whether a text in this charset could have the words of a declaration, which are ASCII.
bool can_spell_declaration(const std::string& charset);

// UTF-16 or UTF-32 without a mark, or "". Such text in a Latin alphabet has NUL bytes all over, in others the
// bytes of control characters too; a text that holds strays has few. What reads as text has next to no odd
// characters, and of two byte orders that do the true one has more ASCII.
std::string wide_charset(std::string_view head);

// Whether the sample is text in this charset, except for one character in a hundred.
bool fits(const std::string& charset, std::string_view sample);

// ISO-8859-1 if nothing speaks for any charset.
Charset detect_charset(std::string_view sample);

}  // namespace charrnn
