// One text that a corpus is made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace charrnn {

enum class SourceFormat { kText, kJsonLines };  // one document; one per line

struct Source {
  std::filesystem::path file;
  // Relative to the folder listed in corpus.sources, so that it does not depend on where that folder is.
  std::string name;
  SourceFormat format = SourceFormat::kText;
  std::optional<std::string> encoding;
  std::string json_field;
  uint64_t bytes = 0;  // of the file
  std::string hash;    // of standard input, whose file is a compressed copy; else empty
};

}  // namespace charrnn
