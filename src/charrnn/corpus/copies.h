// Documents that are copies of one another, found by their clean text: equal ones, and nearly equal ones,
// which have at least 60 % of their passages in common (text/fingerprint.h, estimated from 32 of them). A
// held-out document with a copy in train makes a model look better than it is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "charrnn/core/hash.h"
#include "charrnn/corpus/split_plan.h"
#include "charrnn/text/document_cleaner.h"
#include "charrnn/text/fingerprint.h"

namespace charrnn {

// What is compared of the documents of a block; made on any core.
struct BlockPrints {
  struct Document {
    uint64_t hash;  // of its text
    Fingerprint::Passages passages;
  };
  std::vector<Document> documents;  // those that lie in the block as a whole, in their order
  Fingerprint part;                 // of a document that does not

  void make(const CleanBlock& clean);
};

class CopyFinder {
 public:
  // The documents of the next block of the text.
  void add(const CleanBlock& clean, const BlockPrints& prints);

  // For each document, the number of the first one that it is a copy of, directly or by others; its own
  // number if there is none before it. Those without characters are nobody's copies. Does not depend on
  // threads.
  std::vector<uint32_t> groups(const std::vector<DocumentLength>& documents, int threads);

  uint64_t hash_of(size_t document) const { return hashes_[document]; }

 private:
  // More are only looked at for equal ones: a fingerprint is 128 bytes.
  static constexpr size_t kMostCompared = 2'000'000;

  void add_document(const BlockPrints::Document& document);
  void finish_document();

  std::vector<uint64_t> hashes_;
  std::vector<Fingerprint::Passages> passages_;
  bool is_open_ = false;     // a document that began in a block before and has not ended
  Fingerprint fingerprint_;  // of it
  Hasher hasher_;
};

// What the report and the manifest have of them.
struct CopiesInfo {
  uint64_t documents = 0;  // that are a copy of one before them, in whatever split
  struct HeldOut {
    std::string name, split, copy;  // `copy`: one in train
    bool is_equal = false;
  };
  uint64_t held_out = 0;             // documents of valid and test with a copy in train
  uint64_t equal = 0;                // of them, those with an equal one
  uint64_t held_out_characters = 0;  // in them
  uint64_t characters = 0;           // of valid and test
  std::vector<HeldOut> first;        // a hundred of them at most
};

CopiesInfo copies_info(const CopyFinder& finder, const std::vector<uint32_t>& groups,
                       const std::vector<DocumentLength>& documents, const SplitPlan& plan,
                       const std::function<std::string(size_t)>& name_of);

}  // namespace charrnn
