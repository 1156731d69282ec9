// Documents that are copies of one another, found by their clean text: equal ones, and nearly equal ones,
// which have at least 60 % of their passages in common (text/fingerprint.h, estimated from 32 of them). A
// held-out document with a copy in train makes a model look better than it is.
#pragma once

#include <cstdint>
#include <vector>

#include "charrnn/core/hash.h"
#include "charrnn/corpus/split_plan.h"
#include "charrnn/text/clean_block.h"
#include "charrnn/text/fingerprint.h"

namespace charrnn {

// What is compared: hashes and fingerprints of the documents of a block. Made on any core.
struct BlockPrints {
  struct Document {
    uint64_t hash;  // of its text
    Fingerprint::Passages passages;
  };
  std::vector<Document> documents;  // those that are wholly in the block, in order
  Fingerprint part;                 // of a document of which only a part is in the block

  void make(const CleanBlock& clean);
};

class CopyFinder {
 public:
  // The documents of the next block of the text.
  void add(const CleanBlock& clean, const BlockPrints& prints);

  // For each document, the number of the first document of which it is a copy, directly or by way of others;
  // its own number if it is not a copy of an earlier one. Documents without characters are not copies. The
  // result does not depend on `threads`.
  std::vector<uint32_t> groups(const std::vector<DocumentLength>& documents, int threads);

  uint64_t hash_of(size_t document) const { return hashes_[document]; }

 private:
  // Later documents are only compared for equality: a fingerprint is 128 bytes.
  static constexpr size_t kMostCompared = 2'000'000;

  void add_document(const BlockPrints::Document& document);
  void finish_document();

  std::vector<uint64_t> hashes_;
  std::vector<Fingerprint::Passages> passages_;
  bool is_open_ = false;     // a document began in an earlier block and has not ended
  Fingerprint fingerprint_;  // of that document
  Hasher hasher_;
};

}  // namespace charrnn
