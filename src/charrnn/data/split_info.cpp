#include "charrnn/data/split_info.h"

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"

namespace charrnn {
namespace {

[[noreturn]] void fail_rebuilt(const SplitInfo& split, const std::string& found) {
  const std::string folder = split.manifest->file.parent_path().string();
  fail("the corpus ", folder, " was built again or changed while it was in use: ", found,
       ". Expected the corpus with which this process started. Either build that one again "
       "(charrnn_preprocess with the config of the run) and repeat the command, which resumes from the last "
       "checkpoint; or train on the new corpus with --set run.output=FOLDER");
}

}  // namespace

ShardReader open_shard(const SplitInfo& split, size_t shard) {
  const SplitInfo::Shard& expected = split.shards.at(shard);
  if (!split.manifest) return ShardReader(expected.file);
  std::optional<FileStamp> stamp = stamp_of(expected.file);
  if (!stamp) fail_rebuilt(split, concat(expected.file.string(), " is gone"));
  ShardReader reader(expected.file);
  // Checked after opening the shard: if a build replaces the folder later, the open file stays the same.
  const OpenedManifest& manifest = *split.manifest;
  if (const auto found = stamp_of(manifest.file); found != manifest.stamp) {
    if (!found) fail_rebuilt(split, "its manifest.json is gone");
    if (hash_hex(read_file(manifest.file)) != manifest.hash)
      fail_rebuilt(split, "its manifest.json was replaced");
  }
  if (stamp != expected.stamp && reader.content_hash() != expected.hash) {
    fail_rebuilt(split, concat(expected.file.string(), " has other contents"));
  }
  return reader;
}

}  // namespace charrnn
