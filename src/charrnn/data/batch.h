// What a reader returns for one step: the next T characters of its lanes, and their targets.
#pragma once

#include <cstdint>
#include <vector>

namespace charrnn {

// Rows are lanes: cell (lane, t) of `targets` is the successor of the same cell of `inputs`, or its target in
// corpus.targets.
struct Batch {
  int64_t lanes = 0;             // of this part
  int64_t length = 0;            // T of this step
  std::vector<int64_t> inputs;   // (lanes, T)
  std::vector<int64_t> targets;  // (lanes, T)
  bool fresh_state = false;      // all lanes start from zero state
  // With reset_state: document, the lanes (in 0 .. lanes) in which a document began since the previous step:
  // they start from zero state, too.
  std::vector<int64_t> fresh_lanes;
};

}  // namespace charrnn
