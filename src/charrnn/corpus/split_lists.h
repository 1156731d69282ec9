// Assigns documents to splits by corpus.split.valid_list and test_list: names of documents and globs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

// Replaces each @FILE of valid_list and test_list by the lines of that file. Throws Error (kInput)
// if it cannot be read.
void expand_lists(SplitSettings& settings);

class SplitLists {
 public:
  // The lists must be expanded.
  explicit SplitLists(const SplitSettings& settings);

  // 0 train, 1 valid, 2 test. Throws (kInput) if both lists have the document.
  uint8_t split_of(const std::string& document);
  // Throws (kInput) if an entry matches no document.
  void refuse_unused() const;

 private:
  struct Entry {
    std::string pattern;
    uint8_t split;
    bool used = false;
  };
  std::vector<Entry> entries_;
};

}  // namespace charrnn
