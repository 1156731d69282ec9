// Which characters go to train, valid and test: whole documents in the order of a hash of their name, the
// tail of the text, or documents by lists. The order within a split is that of the sources. Copies of one
// text can be kept in one split.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

struct SplitPlan {
  struct Split {
    std::string name;  // "train", "valid", "test"
    uint64_t characters;
  };
  // The next `characters` of the text go to splits[split].
  struct Piece {
    size_t split;
    uint64_t characters;
  };
  std::vector<Split> splits;               // train first; a share of 0 makes no split
  std::vector<Piece> pieces;               // of the whole text, none empty
  std::vector<uint8_t> split_of_document;  // empty when split by tail
  SplitBy by;                              // never kAuto
};

struct DocumentLength {
  uint64_t name_hash;
  uint64_t characters;
  uint8_t listed = 0;  // by lists: 0 train, 1 valid, 2 test
  uint64_t line = 0;   // of a JSON line; 0: the document is a file
};

// `groups`: with copies: together, for each document the first one of which it is a copy (CopyFinder); else
// empty. Throws Error (kInput) if there are too few documents, or a split would be empty.
SplitPlan plan_splits(const std::vector<DocumentLength>& documents, const SplitSettings& settings,
                      const std::vector<uint32_t>& groups = {});

}  // namespace charrnn
