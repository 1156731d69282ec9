#include "charrnn/data/shard.h"

#include <algorithm>

namespace charrnn {

int id_bytes_for(size_t vocabulary_size) {
  if (vocabulary_size <= 256) return 1;
  return vocabulary_size <= 65536 ? 2 : 4;
}

std::string shard_file_name(const std::string& split, uint32_t shard) {
  const std::string number = std::to_string(shard);
  return split + "-" + std::string(5 - std::min<size_t>(5, number.size()), '0') + number + ".h5";
}

}  // namespace charrnn
