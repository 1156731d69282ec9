// One file of text, read in blocks as a model sees it. A character's way through the stages:
//   bytes -> Utf8Decoder -> LineEnds -> Units
// More stages (charset, Gutenberg's licence, normalisation) belong between these. Memory: a few blocks,
// however long the file is. Throws Error (exit code 2) where the file cannot be read or is not UTF-8.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "core/hash.h"
#include "text/line_ends.h"
#include "text/units.h"
#include "text/utf8.h"

namespace charrnn {

class DocumentReader {
 public:
  static constexpr size_t kBlockBytes = size_t{1} << 16;

  DocumentReader(const std::filesystem::path& file, Unit unit, size_t block_bytes = kBlockBytes);

  // The next units, valid until the next call; never empty before the end, empty there.
  std::u32string_view next();

  uint64_t bytes() const { return bytes_; }           // of the file, read so far
  std::string hash() const { return hasher_.hex(); }  // of those bytes

 private:
  std::string name_;
  std::ifstream file_;
  std::string block_;
  Utf8Decoder decoder_;
  LineEnds line_ends_;
  Units units_;
  Hasher hasher_;
  uint64_t bytes_ = 0;
  bool at_end_ = false;
};

}  // namespace charrnn
