#include "charrnn/data/split_info.h"

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"

namespace charrnn {
namespace {

[[noreturn]] void fail_rebuilt(const SplitInfo& split, const std::string& found) {
  const std::string folder = split.manifest->file.parent_path().string();
  fail("the corpus ", folder, " was built again or changed while it was in use: ", found,
       ". Expected the corpus that this process began with. Build that one again (charrnn_preprocess with "
       "the ",
       "run's config) and give the same command, which continues from the last checkpoint; or train on the "
       "new ",
       "one with --set run.output=FOLDER");
}

}  // namespace

ShardReader open_shard(const SplitInfo& split, size_t shard) {
  const SplitInfo::Shard& expected = split.shards.at(shard);
  if (!split.manifest) return ShardReader(expected.file);
  std::optional<FileStamp> stamp = stamp_of(expected.file);
  if (!stamp) fail_rebuilt(split, concat(expected.file.string(), " is gone"));
  ShardReader reader(expected.file);
  // After the shard was opened: a builder that replaces the folder from now on does not change what is read.
  const OpenedManifest& manifest = *split.manifest;
  if (const auto found = stamp_of(manifest.file); found != manifest.stamp) {
    if (!found) fail_rebuilt(split, "its manifest.json is gone");
    if (hash_hex(read_file(manifest.file)) != manifest.hash)
      fail_rebuilt(split, "its manifest.json is another one");
  }
  if (stamp != expected.stamp && reader.content_hash() != expected.hash) {
    fail_rebuilt(split, concat(expected.file.string(), " has other contents"));
  }
  return reader;
}

}  // namespace charrnn
