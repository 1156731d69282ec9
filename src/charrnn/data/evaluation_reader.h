// Reads a split once, as one stream over its shards of N characters, cut into E lanes: lane k holds the
// targets from floor(k (N - 1) / E) to floor((k + 1) (N - 1) / E), target j being character j + 1; with
// aligned targets, of which there are N, those from floor(k N / E) to floor((k + 1) N / E). Part r of W has
// the lanes k with k mod W = r, perhaps none. Every target of the split is read once, by one part; each lane
// starts from zero state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "charrnn/data/batch.h"
#include "charrnn/data/shard.h"
#include "charrnn/data/split_info.h"

namespace charrnn {

class EvaluationReader {
 public:
  EvaluationReader(const SplitInfo& split, int64_t lanes, int64_t sequence_length, int part, int parts);
  ~EvaluationReader();

  int64_t lanes() const { return static_cast<int64_t>(lanes_.size()); }  // of this part

  // The next characters of all lanes, nullopt at the end. The lengths of lanes differ by at most one, so in
  // the last batch some lanes may have ended: their targets are kLaneEnded.
  std::optional<Batch> next();
  static constexpr int64_t kLaneEnded = -100;

 private:
  struct Buffer {        // read ahead
    uint64_t start = 0;  // place of ids[0] in the stream
    std::vector<uint32_t> ids;
  };
  struct Lane {
    uint64_t next;  // the next target
    uint64_t end;   // of the lane's targets
    Buffer characters;
    Buffer targets;  // aligned ones
  };
  class Stream;

  uint32_t id_at(ShardRow row, Buffer& buffer, uint64_t place, uint64_t end);
  uint32_t character(Lane& lane, uint64_t place);
  uint32_t target(Lane& lane);

  std::unique_ptr<Stream> stream_;
  std::vector<Lane> lanes_;
  int64_t sequence_length_;
  uint64_t block_characters_;
};

}  // namespace charrnn
