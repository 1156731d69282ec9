// A block of a source becomes clean text, with a note where documents begin in it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/text/cleaner.h"
#include "charrnn/text/source/json_lines.h"
#include "charrnn/text/source/source_reader.h"
#include "charrnn/text/source/sources.h"

namespace charrnn {

// A document, or as much of it as lies in the block.
struct DocumentPart {
  bool begins = true;    // else it goes on from the block before
  uint64_t line = 0;     // of a JSON line; 0 where the source is the document
  size_t bytes = 0;      // of the block's text
  uint64_t units = 0;    // characters, or bytes with Unit::kByte
  bool has_end = false;  // corpus.document_end is its last character
};

struct CleanBlock {
  TextBlock block;  // its text is clean: the parts, one after another
  std::vector<DocumentPart> parts;
  CleaningCounts counts;
  uint64_t lines_left_out = 0;  // JSON lines that are none
  std::string problem;          // of the first of them
};

// One a thread.
class DocumentCleaner {
 public:
  explicit DocumentCleaner(const CorpusSettings& settings);

  // Reads clean.block and fills the rest. Throws (exit code 2) at a bad JSON line with on_error: stop.
  void clean(CleanBlock& clean, const Source& source);

 private:
  bool end_document(std::string& text) const;
  void add_part(CleanBlock& clean, DocumentPart part) const;
  void clean_json_lines(CleanBlock& clean, const Source& source);

  const CorpusSettings settings_;
  Cleaner cleaner_;
  std::map<std::string, JsonLines> json_lines_;  // by field
  std::string document_;
};

}  // namespace charrnn
