// A piece of a source's decoded text that can be cleaned separately: what SourceReader returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace charrnn {

struct TextBlock {
  size_t source = 0;   // index, set by the reader of several sources
  std::string text;    // begins and ends at safe places; of JSON lines, whole lines
  bool first = false;  // of the source
  bool last = false;
  uint64_t offset = 0;    // of the text in the decoded source, in bytes
  uint64_t line = 1;      // of JSON lines: the number of the first
  uint64_t left_out = 0;  // characters of Gutenberg's, before or in the text
  uint64_t invalid = 0;   // malformed sequences that decoding replaced or skipped
};

}  // namespace charrnn
