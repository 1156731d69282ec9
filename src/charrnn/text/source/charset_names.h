// The names of charsets: as people write them, as ICU knows them, as IANA spells them.
#pragma once

#include <string>

namespace charrnn {

inline constexpr const char* kAscii = "ASCII";
inline constexpr const char* kUtf8 = "UTF-8";

// IANA's spelling of a name that ICU knows; "" for others. (ICU takes an empty name for its default
// converter.)
std::string known_charset_name(const std::string& name);

// The same for names as people write them: "ISO Latin-1" (IANA has csISOLatin1), "ISO-646-US (US-ASCII)".
std::string declared_charset_name(const std::string& words);

// "ISO-8859-1" <-> "windows-1252", which has letters where the other has control characters; other names stay
// unchanged.
std::string windows_variant(const std::string& charset);
std::string standard_variant(const std::string& charset);

// The nearest names of three charsets that ICU knows, separated by commas.
std::string near_charset_names(const std::string& name);

}  // namespace charrnn
