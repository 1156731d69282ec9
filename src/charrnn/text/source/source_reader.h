// Reads one source as blocks of text that can be cleaned separately, on any core. The path of a character:
//   file -> ByteSource (decompressed) -> CharsetDecoder (UTF-8) -> without Gutenberg's parts -> TextBlock
// UTF-8 is passed on unchanged; the Cleaner deals with malformed bytes. Memory: a few blocks, however long
// the source is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/gutenberg/gutenberg.h"
#include "charrnn/text/source/byte_source.h"
#include "charrnn/text/source/charset.h"
#include "charrnn/text/source/charset_decoder.h"
#include "charrnn/text/source/safe_cut.h"
#include "charrnn/text/source/source.h"
#include "charrnn/text/source/text_block.h"

namespace charrnn {

// What examining a source found (examination.h).
struct SourceFacts {
  Charset charset;
  std::vector<GutenbergScanner::Cut> cuts;  // of the decoded text, which the reader leaves out
  bool cuts_refused = false;                // less than corpus.minimum_kept would have remained
};

class SourceReader {
 public:
  static constexpr size_t kBlockBytes = size_t{1} << 18;

  // The arguments must outlive the reader. Throws Error (kInput) if the file cannot be read.
  SourceReader(const Source& source, const SourceFacts& facts, const CorpusSettings& settings,
               size_t block_bytes = kBlockBytes);

  // The next block; false at the end. Every source, even an empty one, has at least one block.
  bool next(TextBlock& block);

  uint64_t bytes_on_disk() const { return bytes_.bytes_on_disk(); }  // read so far
  std::string hash() const { return bytes_.hash(); }                 // of these

 private:
  void fill(size_t wanted);
  void append(std::string_view decoded);
  size_t place_to_cut() const;

  const Source& source_;
  const SourceFacts& facts_;
  SafeCut safe_cut_;
  size_t block_bytes_;
  ByteSource bytes_;
  std::unique_ptr<CharsetDecoder> decoder_;  // for charsets other than UTF-8
  std::string raw_;
  std::string waiting_;    // decoded, not returned yet
  uint64_t decoded_ = 0;   // bytes decoded so far, including those left out
  size_t cut_ = 0;         // the first of facts_.cuts that has not been passed
  uint64_t left_out_ = 0;  // since the last block
  uint64_t invalid_ = 0;   // up to the last block
  uint64_t line_ = 1;
  bool started_ = false;
  bool at_end_ = false;
  bool finished_ = false;
};

}  // namespace charrnn
