// manifest.json: what a corpus was made from and what is in it. Written once by the builder, with nothing in
// it that depends on when or where; read by CorpusFolder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"
#include "data/corpus_folder.h"
#include "text/vocabulary.h"

namespace charrnn {

// One source file. (What cleaning removes and replaces is to be counted here too.)
struct SourceInfo {
  std::string name;
  std::string hash;         // of its bytes
  uint64_t bytes = 0;       // of the file
  uint64_t characters = 0;  // that it gave
  std::string split;        // where it went, when splitting by document; else empty
};

std::string manifest_json(const CorpusSettings& settings, const Vocabulary& vocabulary,
                          const std::vector<SourceInfo>& sources, const std::vector<SplitInfo>& splits,
                          const Marks& marks);

}  // namespace charrnn
