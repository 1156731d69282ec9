// One source of a corpus: the file, and what cleaning did to its characters. For the report and the manifest.
#pragma once

#include <cstdint>
#include <string>

#include "charrnn/text/clean_block.h"
#include "charrnn/text/cleaning_counts.h"
#include "charrnn/text/source/charset.h"
#include "charrnn/text/source/examination.h"
#include "charrnn/text/source/source.h"

namespace charrnn {

struct SourceInfo {
  std::string name;
  std::string hash;    // of its bytes
  uint64_t bytes = 0;  // of the file
  Charset charset;
  uint64_t documents = 0;
  CleaningCounts counts;
  bool cuts_refused = false;    // Gutenberg's parts are kept: less than corpus.minimum_kept would remain
  uint64_t lines_left_out = 0;  // of JSON lines
  std::string first_line_left_out;
  bool behind_cut = false;  // not read: it comes after corpus.max_characters
  std::string split;        // the split that has the whole source; empty: several have parts of it
  std::string problem;      // why it is not in the corpus; empty: it is in the corpus

  // Adds the counts of a block of this source.
  void note(const CleanBlock& clean);
};

SourceInfo source_info(const Source& source, const Examined& examined);

// The name of a document in reports: FILE, or FILE:LINE for a JSON line.
std::string document_name(const std::string& source, uint64_t line);

}  // namespace charrnn
