// The charset of a file and how it is known. Names are IANA's; byte_survey.h finds the charset of bytes,
// charset_decoder.h converts from it.
#pragma once

#include <cstddef>
#include <string>

namespace charrnn {

enum class CharsetEvidence { kMark, kDeclared, kValidUtf8, kDetected, kGiven };

struct Charset {
  std::string name;  // "ASCII", "UTF-8", "UTF-16LE", "ISO-8859-1", "windows-1252"
  CharsetEvidence evidence = CharsetEvidence::kValidUtf8;
  int confidence = 100;       // of the detector, in percent
  size_t mark_bytes = 0;      // length of the byte order mark, which is not part of the text
  std::string declared = {};  // in the text's own words, "" for nothing; reports show it if it differs
};

// Whether bytes in it are UTF-8 as they are.
inline bool is_utf8(const Charset& charset) {
  return charset.name == "UTF-8" || charset.name == "ASCII";
}

// A name that a person gave, as IANA spells it; evidence kGiven. Throws Error (exit code 2) with the
// nearest names if ICU does not know it.
Charset given_charset(const std::string& name);

}  // namespace charrnn
