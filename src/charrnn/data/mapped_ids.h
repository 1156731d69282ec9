// Where the ids of a shard lie in its file, for programs that map it into memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "charrnn/data/shard.h"

namespace charrnn {

// The byte at which they begin; they follow one another as ShardReader::read_bytes gives them. nullopt if
// another program has stored them in chunks, compressed or in another byte order. Throws Error if the shard
// cannot be read.
std::optional<uint64_t> offset_of_ids(const std::filesystem::path& shard, ShardRow row = ShardRow::kIds);

}  // namespace charrnn
