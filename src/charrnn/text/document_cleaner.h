// Turns a block of a source into clean text, and notes where documents begin in it.
#pragma once

#include <map>
#include <string>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/clean_block.h"
#include "charrnn/text/cleaner.h"
#include "charrnn/text/source/json_lines.h"
#include "charrnn/text/source/source.h"

namespace charrnn {

// Not shared by threads: each has its own.
class DocumentCleaner {
 public:
  explicit DocumentCleaner(const CorpusSettings& settings);

  // Reads clean.block and fills the rest. Throws (kInput) at a bad JSON line with on_error: stop.
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
