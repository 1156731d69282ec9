// What bytes show about their charset, one function for each clue: a byte order mark, a declaration in the
// text, UTF-16 or UTF-32 without a mark, whether a charset fits, the result of ICU's detector. byte_survey.h
// weighs them. `head`: the first bytes of a file, `sample`: lines of it with bytes beyond ASCII.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "charrnn/text/source/charset.h"

namespace charrnn {

// Tab, the ends of lines and of pages: control characters that any text may have.
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

// What follows "Character set encoding:" on its line, as far as it is printable ASCII; "" if nothing does.
std::string declaration(std::string_view head);

// Whether a text in this charset could have the words of a declaration, which are ASCII.
bool can_spell_declaration(const std::string& charset);

// "UTF-16LE", ... for text without a mark, or "". In such a text in a Latin alphabet many bytes are NUL, in
// others also control characters; another text has only a few strays. In the right charset there are hardly
// any odd characters; if that is true of both byte orders, the right one has more ASCII.
std::string wide_charset(std::string_view head);

// Whether the sample is text in this charset, except for one character in a hundred.
bool fits(const std::string& charset, std::string_view sample);

// ISO-8859-1 if there is no evidence for any charset.
Charset detect_charset(std::string_view sample);

}  // namespace charrnn
