// Characters that are invisible in a text but that a model learns: control characters, zero-width characters,
// soft hyphens, direction marks, byte order marks inside the text; and U+FFFD, with which an earlier program
// replaced what it could not read. Tab, LF and CR do not count.
#pragma once

#include <string>
#include <string_view>

namespace charrnn {

bool is_invisible(char32_t character);

// A stage of cleaning (corpus.invisible_characters: drop). Those that end a line or a page (U+000B, U+000C,
// U+0085, U+2028, U+2029) become LF, so that no words run together; others are removed. Valid UTF-8 in and
// out.
void drop_invisible(std::string& utf8);

// The text as messages show it: "<U+0000>" in place of an invisible character, U+FFFD in place of malformed
// bytes.
std::string visible(std::string_view text);

// "U+200B ZERO WIDTH SPACE", "U+0000 control character".
std::string code_point_name(char32_t character);

}  // namespace charrnn
