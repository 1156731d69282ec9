// Which characters of which document go to train, valid and test. Whole documents, in the order of a hash of
// their name, or the tail of the text; the order inside a split is that of the sources.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace charrnn {

struct SplitPlan {
  struct Split {
    std::string name;  // "train", "valid", "test"
    uint64_t characters;
  };
  // The next `characters` of a document go to splits[split].
  struct Piece {
    size_t split;
    uint64_t characters;
  };
  std::vector<Split> splits;               // train first; a share of 0 gives no split
  std::vector<std::vector<Piece>> pieces;  // of each document
  SplitBy by;                              // never kAuto
};

struct DocumentLength {
  std::string name;
  uint64_t characters;
};

// Throws Error with exit code 2 where there are too few documents, or a split would be empty.
SplitPlan plan_splits(const std::vector<DocumentLength>& documents, const SplitSettings& settings);

}  // namespace charrnn
