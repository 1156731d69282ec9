// One source of a corpus: what it was, and what happened to its characters. For the report and the manifest.
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
  bool cuts_refused = false;    // Gutenberg's parts stayed, because less than corpus.minimum_kept would have
  uint64_t lines_left_out = 0;  // of JSON lines
  std::string first_line_left_out;
  bool behind_cut = false;  // of corpus.max_characters, so that it was not read
  std::string split;        // that it went to, if it went there as a whole
  std::string problem;      // why it is not in the corpus; empty: it is

  // Adds what cleaning did to a block of it.
  void note(const CleanBlock& clean);
};

SourceInfo source_info(const Source& source, const Examined& examined);

// As reports call a document: FILE:LINE for a JSON line.
std::string document_name(const std::string& source, uint64_t line);

}  // namespace charrnn
