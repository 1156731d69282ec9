#include "drawn_split.h"

#include <bit>
#include <vector>

#include "charrnn/core/counter_random.h"
#include "charrnn/corpus/shard_writer.h"

namespace charrnn {
namespace {

// One in eight is any id of the vocabulary; half of the others are the likeliest successor of `id`, a quarter
// the second likeliest, ...
uint32_t successor(uint32_t id, uint64_t bits, uint64_t vocabulary) {
  if (bits % 8 == 0) return static_cast<uint32_t>(below(mix64(bits), vocabulary));
  const auto place = static_cast<uint64_t>(std::countl_zero(bits));
  return static_cast<uint32_t>(below(mix64(id * uint64_t{64} + place), vocabulary));
}

}  // namespace

SplitInfo draw_split(const std::filesystem::path& folder, uint64_t characters, int64_t vocabulary) {
  const auto V = static_cast<uint64_t>(vocabulary);
  std::vector<uint32_t> ids(characters);
  for (uint64_t i = 0; i < characters; ++i) {
    ids[i] = successor(i == 0 ? 0 : ids[i - 1], random_bits(1, Draw::kSample, {i}), V);
  }
  SplitInfo split{.name = "train",
                  .shards = {},
                  .characters = characters,
                  .vocabulary_size = V,
                  .utf8_bytes = characters};
  const std::filesystem::path file = folder / shard_file_name(split.name, 0);
  std::filesystem::remove(file);
  ShardWriter writer(
      file,
      {.length = characters, .id_bytes = id_bytes_for(V), .vocabulary_hash = "drawn", .split = split.name});
  writer.append(ids);
  split.shards.push_back({file, characters, writer.finish()});
  return split;
}

}  // namespace charrnn
