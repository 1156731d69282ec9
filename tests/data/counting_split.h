// A split whose ids count upward through its shards, so that any batch can be read by eye: the id of a
// character is its place in the split, modulo `vocabulary_size` if that is given. Aligned targets, if any,
// count downward to 0.
#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "../temporary_folder.h"
#include "charrnn/corpus/shard_writer.h"
#include "charrnn/data/split_info.h"

namespace charrnn {

inline SplitInfo counting_split(const TemporaryFolder& folder, const std::vector<uint64_t>& lengths,
                                int id_bytes = 1, uint64_t vocabulary_size = 0,
                                const std::string& name = "train", bool has_targets = false) {
  SplitInfo split;
  split.name = name;
  split.has_targets = has_targets;
  const uint64_t all = std::accumulate(lengths.begin(), lengths.end(), uint64_t{0});
  for (const uint64_t length : lengths) {
    const auto shard = static_cast<uint32_t>(split.shards.size());
    const auto path = folder / shard_file_name(name, shard);
    std::vector<uint32_t> ids(length);
    std::iota(ids.begin(), ids.end(), static_cast<uint32_t>(split.characters));
    for (uint32_t& id : ids) {
      if (vocabulary_size > 0) id %= static_cast<uint32_t>(vocabulary_size);
    }
    std::vector<uint32_t> targets;
    for (size_t i = 0; has_targets && i < length; ++i) {
      targets.push_back(static_cast<uint32_t>(all - 1 - split.characters - i));
    }
    ShardWriter writer(path, {.length = length,
                              .id_bytes = id_bytes,
                              .has_targets = has_targets,
                              .vocabulary_hash = "counting",
                              .split = name,
                              .shard = shard,
                              .shard_count = static_cast<uint32_t>(lengths.size())});
    writer.append(ids, targets);
    split.shards.push_back({path, length, writer.finish()});
    split.characters += length;
  }
  split.utf8_bytes = split.characters;
  return split;
}

}  // namespace charrnn
