// Which held-out documents have a copy in train, for the report and the manifest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "charrnn/corpus/copy_finder.h"
#include "charrnn/corpus/split_plan.h"

namespace charrnn {

struct CopiesInfo {
  uint64_t documents = 0;  // that are a copy of an earlier one, in any split
  struct HeldOut {
    std::string name, split, copy;  // `copy`: the name of one in train
    bool is_equal = false;
  };
  uint64_t held_out = 0;             // documents of valid and test with a copy in train
  uint64_t equal = 0;                // of these, documents with an equal copy
  uint64_t held_out_characters = 0;  // in the documents counted by held_out
  uint64_t characters = 0;           // of valid and test
  std::vector<HeldOut> first;        // the first of those documents, a hundred at most
};

CopiesInfo copies_info(const CopyFinder& finder, const std::vector<uint32_t>& groups,
                       const std::vector<DocumentLength>& documents, const SplitPlan& plan,
                       const std::function<std::string(size_t)>& name_of);

}  // namespace charrnn
