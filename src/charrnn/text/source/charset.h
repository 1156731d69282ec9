// The charset of a file, and the evidence for it. Names are IANA's. byte_survey.h finds the charset of bytes,
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
  std::string declared = {};  // as written in the text, "" if nothing is; reports show it if it differs
};

// Whether bytes in it are UTF-8 as they are.
inline bool is_utf8(const Charset& charset) {
  return charset.name == "UTF-8" || charset.name == "ASCII";
}

// The charset of a name from a setting, spelled as IANA does; evidence kGiven. Throws Error (kInput)
// with the nearest names if ICU does not know it.
Charset given_charset(const std::string& name);

}  // namespace charrnn
