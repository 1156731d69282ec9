#include "charrnn/data/corpus_folder.h"

#include <algorithm>
#include <utility>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"
#include "charrnn/text/json_source.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAgain = ": preprocess again with charrnn_preprocess CONFIG";

std::optional<uint64_t> original_bytes(const JsonSource& manifest, const std::string& split) {
  const auto& settings = manifest.member(manifest.root(), "settings");
  const auto is_json = [](const auto& given) { return given.is_object() && given.contains("json_field"); };
  const auto& given = manifest.list(settings, "sources");
  const auto limit = settings.find("max_characters");
  const bool is_cut = limit != settings.end() && limit->is_number();
  if (is_cut || std::any_of(given.begin(), given.end(), is_json)) return std::nullopt;
  uint64_t bytes = 0;
  for (const auto& source : manifest.list(manifest.root(), "sources")) {
    if (!source.contains("split")) return std::nullopt;  // in several splits
    if (manifest.text(source, "split") != split) continue;
    const std::string extension = lower_ascii(fs::path(manifest.text(source, "name")).extension());
    for (const char* const other : {".gz", ".zst", ".jsonl", ".jsonlines", ".ndjson"}) {
      if (extension == other) return std::nullopt;
    }
    // A character has at least one byte: a file with fewer bytes is compressed, whatever its name.
    if (manifest.number(source, "bytes") < manifest.number(source, "decoded")) return std::nullopt;
    bytes += manifest.number(source, "bytes");
  }
  return bytes > 0 ? std::optional(bytes) : std::nullopt;
}

SplitInfo read_split(const JsonSource& manifest, const JsonSource::Json& entry, const fs::path& folder) {
  SplitInfo split;
  split.name = manifest.text(entry, "name", "(a split) ");
  const std::string where = "(split " + split.name + ") ";
  split.characters = manifest.number(entry, "characters", where);
  split.utf8_bytes = manifest.number(entry, "utf8_bytes", where);
  uint64_t characters = 0;
  for (const auto& shard : manifest.list(entry, "shards", where)) {
    const std::string& file = manifest.text(shard, "file", where);
    const std::string expected = shard_file_name(split.name, static_cast<uint32_t>(split.shards.size()));
    if (file != expected) manifest.reject(where, "lists the shard ", file, ", expected ", expected);
    split.shards.push_back({folder / file, manifest.number(shard, "length", where),
                            manifest.text(shard, "hash", where), stamp_of(folder / file)});
    characters += split.shards.back().length;
  }
  if (split.shards.empty()) manifest.reject(where, "has no shards");
  if (characters != split.characters) {
    manifest.reject(where, "has ", split.characters, " characters, but its shards have ", characters);
  }
  split.original_bytes = original_bytes(manifest, split.name);
  split.has_targets = manifest.root().contains("targets");
  return split;
}

const char* with_or_without(bool has_targets) {
  return has_targets ? "with aligned targets" : "without aligned targets";
}

void require_manifest(const fs::path& folder, const fs::path& manifest_file) {
  std::error_code problem;
  if (fs::exists(manifest_file, problem)) return;
  if (problem) {
    fail_usage("the corpus folder ", folder.string(), " cannot be read: ", problem.message(),
               ": check its permissions");
  }
  fail_usage("expected a preprocessed corpus in ", folder.string(),
             folder.is_relative() ? concat(" (seen from ", fs::current_path().string(), ")") : "", ", found ",
             fs::exists(folder) ? "no manifest.json there" : "no such folder",
             ": run charrnn_preprocess CONFIG first, or correct corpus.output");
}

// The attributes of the shard must agree with the manifest and the vocabulary.
void check_shard(const SplitInfo& split, size_t number, const Vocabulary& vocabulary) {
  const SplitInfo::Shard& expected = split.shards[number];
  const ShardReader reader(expected.file);
  const ShardInfo& found = reader.info();
  const std::string name = "shard " + expected.file.string();
  check(found.vocabulary_hash == vocabulary.hash(), name, " was made with vocabulary ", found.vocabulary_hash,
        ", expected that of the corpus, ", vocabulary.hash(), kAgain,
        ", or set corpus.output to the matching shards");
  check(found.split == split.name && found.shard == number && found.shard_count == split.shards.size(), name,
        " is by its attributes ", shard_file_name(found.split, found.shard), " of ", found.shard_count,
        ", expected ", shard_file_name(split.name, static_cast<uint32_t>(number)), " of ",
        split.shards.size(), kAgain);
  check(found.length == expected.length, name, " has ", found.length, " characters, the manifest lists ",
        expected.length, kAgain);
  check(found.has_targets == split.has_targets, name, " is ", with_or_without(found.has_targets),
        ", the manifest lists it ", with_or_without(split.has_targets), kAgain);
  check(found.id_bytes == id_bytes_for(vocabulary.size()), name, " has ids of ", found.id_bytes,
        " bytes, expected ", id_bytes_for(vocabulary.size()), " for ", vocabulary.size(), " characters",
        kAgain);
}

}  // namespace

CorpusFolder::CorpusFolder(fs::path path, Vocabulary vocabulary)
    : path_(std::move(path)), vocabulary_(std::move(vocabulary)) {}

CorpusFolder CorpusFolder::open(const fs::path& folder) {
  const fs::path manifest_file = folder / "manifest.json";
  const fs::path vocabulary_file = folder / "vocabulary.json";
  require_manifest(folder, manifest_file);
  auto opened = std::make_shared<OpenedManifest>();
  opened->file = fs::absolute(manifest_file);
  opened->stamp = stamp_of(manifest_file);
  const std::string text = read_file(manifest_file);
  opened->hash = hash_hex(text);
  const JsonSource manifest(text, "the manifest " + manifest_file.string());
  const uint64_t version = manifest.number(manifest.root(), "format_version");
  if (version != kCorpusFormatVersion) {
    manifest.reject("has format version ", version, ", this charrnn reads ", kCorpusFormatVersion);
  }
  CorpusFolder corpus(folder, Vocabulary::from_json(read_file(vocabulary_file), vocabulary_file.string()));
  const Vocabulary& vocabulary = corpus.vocabulary_;
  const std::string& vocabulary_hash = manifest.text(manifest.root(), "vocabulary_hash");
  check(vocabulary_hash == vocabulary.hash(), vocabulary_file.string(), " has the hash ", vocabulary.hash(),
        ", the manifest next to it lists ", vocabulary_hash, kAgain);

  const auto& baselines = manifest.member(manifest.root(), "baselines");
  corpus.baselines_.unigram_bits = manifest.real(baselines, "unigram_bits", "(baselines) ");
  corpus.baselines_.bigram_bits = manifest.real(baselines, "bigram_bits", "(baselines) ");
  for (const auto& entry : manifest.list(manifest.root(), "splits")) {
    SplitInfo split = read_split(manifest, entry, folder);
    split.manifest = opened;
    split.vocabulary_size = vocabulary.size();
    split.unit = vocabulary.unit();
    split.has_unknown = vocabulary.has_unknown();
    for (size_t i = 0; i < split.shards.size(); ++i) check_shard(split, i, vocabulary);
    corpus.splits_.push_back(std::move(split));
  }
  if (corpus.split("train") == nullptr) manifest.reject("has no split \"train\"");
  return corpus;
}

const SplitInfo* CorpusFolder::split(std::string_view name) const {
  for (const SplitInfo& split : splits_) {
    if (split.name == name) return &split;
  }
  return nullptr;
}

const SplitInfo& CorpusFolder::require_split(std::string_view name) const {
  if (const SplitInfo* found = split(name)) return *found;
  std::string names;
  for (const SplitInfo& split : splits_) names += (names.empty() ? "" : ", ") + split.name;
  fail_usage("the corpus ", path_.string(), " has no split ", name, ", only ", names, ": set corpus.split.",
             name, " above 0 and preprocess again, or use another split");
}

std::string CorpusFolder::hash() const {
  Hasher hasher;
  hasher.add(vocabulary_.hash());
  for (const SplitInfo& split : splits_) {
    for (const SplitInfo::Shard& shard : split.shards) hasher.add(concat("\n", split.name, " ", shard.hash));
  }
  return hasher.hex();
}

void CorpusFolder::verify() const {
  for (const SplitInfo& split : splits_) {
    for (const SplitInfo::Shard& shard : split.shards) {
      const std::string hash = ShardReader(shard.file).content_hash();
      check(hash == shard.hash, "the characters of ", shard.file.string(), " have the hash ", hash,
            ", the manifest lists ", shard.hash, ": the file is damaged", kAgain);
    }
  }
}

}  // namespace charrnn
