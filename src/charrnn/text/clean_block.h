// A block of a source after cleaning, with the documents that are in it: what DocumentCleaner returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "charrnn/text/cleaning_counts.h"
#include "charrnn/text/source/text_block.h"

namespace charrnn {

// A document, or the part of it that is in the block.
struct DocumentPart {
  bool begins = true;    // false: it continues from the block before
  uint64_t line = 0;     // of a JSON line; 0 if the source is the document
  size_t bytes = 0;      // of the block's text
  uint64_t units = 0;    // characters, or bytes with Unit::kByte
  bool has_end = false;  // corpus.document_end is its last character
};

struct CleanBlock {
  TextBlock block;  // its text is clean: the parts, one after another
  std::vector<DocumentPart> parts;
  CleaningCounts counts;
  uint64_t lines_left_out = 0;  // JSON lines that cannot be read
  std::string problem;          // of the first of them
};

}  // namespace charrnn
