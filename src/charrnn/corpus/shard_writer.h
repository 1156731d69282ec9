// Writes a shard (data/shard.h), whose length is known beforehand; its ids arrive in pieces of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "charrnn/data/shard.h"

namespace charrnn {

class ShardWriter {
 public:
  // info.length ids must follow before finish(). The file must not exist.
  ShardWriter(std::filesystem::path path, const ShardInfo& info);
  ~ShardWriter();
  ShardWriter(ShardWriter&&) noexcept;
  ShardWriter& operator=(ShardWriter&&) noexcept;

  // The next ids, with as many targets if info.has_targets; each must fit in id_bytes.
  void append(std::span<const uint32_t> ids, std::span<const uint32_t> targets = {});
  // The same in the form that is stored: id_bytes each, in this machine's byte order.
  void append_bytes(std::span<const std::byte> ids, std::span<const std::byte> targets = {});
  // A document begins with the next id.
  void start_document();
  uint64_t written() const;    // ids so far
  uint64_t remaining() const;  // ids still to come

  // Writes the buffers, waits until the file is on disk, and returns its content hash
  // (ShardReader::content_hash).
  std::string finish();

 private:
  struct File;

  void check_room(size_t ids, size_t targets) const;

  std::unique_ptr<File> file_;
};

}  // namespace charrnn
