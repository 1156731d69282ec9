#include "charrnn/corpus/up_to_date.h"

#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/ordered_pipeline.h"
#include "charrnn/corpus/corpus_recipe.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/text/json_source.h"
#include "charrnn/text/normalizer.h"
#include "charrnn/text/source/byte_source.h"

namespace charrnn {
namespace {

using Json = nlohmann::ordered_json;

// `json` as it is after being written to a manifest and read again: bytes that are not UTF-8 are replaced.
Json as_read_back(const Json& json) {
  return Json::parse(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// If the corpus was built with these settings from sources of these names and sizes, the hashes that the
// sources, the problems and the targets had then. Never throws: a damaged corpus does not match.
std::optional<std::vector<std::string>> hashes_if_same(const CorpusSettings& settings,
                                                       const FoundSources& found,
                                                       const std::optional<Source>& targets) {
  try {
    const std::filesystem::path folder = settings.output;
    const CorpusFolder corpus = CorpusFolder::open(folder);
    const std::filesystem::path file = folder / "manifest.json";
    const JsonSource manifest(read_file(file), file.string());
    if (manifest.text(manifest.root(), "icu") != unicode_library() ||
        manifest.member(manifest.root(), "settings") != as_read_back(corpus_settings_json(settings))) {
      return std::nullopt;
    }
    std::multimap<std::string, std::pair<uint64_t, std::string>> known;  // by name: bytes and hash
    for (const char* list : {"sources", "left_out"}) {
      for (const Json& entry : manifest.list(manifest.root(), list)) {
        known.emplace(manifest.text(entry, "name"),
                      std::pair(manifest.number(entry, "bytes"), manifest.text(entry, "hash")));
      }
    }
    std::vector<std::string> hashes;
    const auto take = [&](const std::string& name, uint64_t bytes) {
      const auto entry = known.find(as_read_back(name).get<std::string>());
      if (entry == known.end() || entry->second.first != bytes) return false;
      hashes.push_back(entry->second.second);
      known.erase(entry);
      return true;
    };
    for (const Source& source : found.sources) {
      if (!take(source.name, source.bytes)) return std::nullopt;
    }
    for (const SourceProblem& problem : found.problems) {
      if (!take(problem.name, 0)) return std::nullopt;
    }
    if (!known.empty()) return std::nullopt;
    if (targets) {
      const Json& entry = manifest.member(manifest.root(), "targets");
      if (manifest.number(entry, "bytes") != targets->bytes) return std::nullopt;
      hashes.push_back(manifest.text(entry, "hash"));
    }
    return hashes;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

bool is_whole(const std::string& folder, const std::optional<Vocabulary>& vocabulary) {
  try {
    const CorpusFolder corpus = CorpusFolder::open(folder);
    corpus.verify();
    return !vocabulary || corpus.vocabulary().hash() == vocabulary->hash();
  } catch (const Error& damage) {
    log::warning(concat("building ", folder, " again: ", damage.what()));
    return false;
  }
}

// Empty if the source cannot be read.
std::string hash_of(const Source& source) {
  if (!source.hash.empty()) return source.hash;
  try {
    return hash_of_file(source.file);
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

bool is_up_to_date(const CorpusSettings& settings, const FoundSources& found,
                   const std::optional<Source>& targets, const std::optional<Vocabulary>& vocabulary,
                   int threads, const std::function<void(uint64_t done, uint64_t total)>& progress) {
  const auto hashes = hashes_if_same(settings, found, targets);
  if (!hashes || !is_whole(settings.output, vocabulary)) return false;
  std::vector<std::pair<const Source*, std::string>> expected;
  for (size_t s = 0; s < found.sources.size(); ++s) expected.emplace_back(&found.sources[s], (*hashes)[s]);
  if (targets) expected.emplace_back(&*targets, hashes->back());
  uint64_t total = 0;
  for (const auto& [file, hash] : expected) total += file->bytes;
  uint64_t done = 0;
  std::atomic<bool> same = true;
  std::mutex one_at_a_time;
  run_side_by_side(threads, expected.size(), [&](size_t i) {
    const auto& [file, hash] = expected[i];
    if (same && hash_of(*file) != hash) same = false;
    const std::lock_guard lock(one_at_a_time);
    done += file->bytes;
    progress(done, total);
  });
  return same;
}

}  // namespace charrnn
