#include "charrnn/text/source/own_files.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "charrnn/core/atomic_file.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kRunFiles[] = {"config.yaml", "metrics.jsonl", "samples.txt", "vocabulary.json"};

std::optional<std::pair<dev_t, ino_t>> id_of(const fs::path& folder) {
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
  return std::pair(status.st_dev, status.st_ino);
}

bool is_file(const fs::path& file) {
  std::error_code none;
  return fs::is_regular_file(file, none);
}

Json parsed(const std::string& text) {
  return Json::parse(text, nullptr, false);
}

// Whether the first line is one of a run's metrics. The file grows while the run trains.
bool are_metrics(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  if (!std::getline(in, line)) return false;
  const Json json = parsed(line);
  const auto has = [&](const char* key) { return json.contains(key); };
  return json.is_object() && has("kind") && has("step") && has("epoch") && has("characters");
}

bool is_vocabulary(const fs::path& file) {
  if (!is_file(file)) return false;
  const Json json = parsed(read_file(file));
  const auto has = [&](const char* key) { return json.contains(key); };
  return json.is_object() && has("format_version") && has("unit") && has("hash") && has("characters");
}

bool has_checkpoints(const fs::path& folder) {
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) return true;
  }
  return false;
}

}  // namespace

OwnFiles::OwnFiles(const fs::path& corpus_output, const fs::path& run_output) {
  if (const auto id = id_of(run_output)) outputs_[*id] = "run.output";
  if (const auto id = id_of(corpus_output)) outputs_[*id] = "corpus.output";
  if (!corpus_output.empty()) {
    corpus_output_ = fs::weakly_canonical(fs::absolute(corpus_output));
    if (!corpus_output_.has_filename()) corpus_output_ = corpus_output_.parent_path();
  }
}

OwnFiles::Owner OwnFiles::owner_of(const fs::path& file) {
  std::error_code error;
  const fs::path place = fs::canonical(file, error);
  if (error) return {};
  const Folder& folder = look_at(fs::is_directory(place, error) ? place : place.parent_path());
  if (!folder.all.folder.empty()) return folder.all;
  return folder.files.contains(place.filename().string()) ? folder.some : Owner{};
}

const OwnFiles::Folder& OwnFiles::look_at(const fs::path& folder) {
  const auto known = folders_.find(folder);
  if (known != folders_.end()) return known->second;
  Folder found;
  if (folder != folder.parent_path()) found.all = look_at(folder.parent_path()).all;
  if (found.all.folder.empty()) {
    const auto id = id_of(folder);
    const auto output = id ? outputs_.find(*id) : outputs_.end();
    const bool is_output = output != outputs_.end();
    if ((is_output && output->second == "corpus.output") || is_temporary(folder)) {
      found.all = {folder.string(), "corpus.output", true};
    } else {
      find_corpus(folder, found);
      find_run(folder, found);
      if (is_output && !found.files.empty()) found.some = {folder.string(), output->second, true};
      if (folder.filename() == "checkpoints" && has_checkpoints(folder)) {
        found.all = look_at(folder.parent_path()).some;  // empty if that is not a run
      }
    }
  }
  return folders_.emplace(folder, std::move(found)).first->second;
}

// A folder that a build of this corpus fills, or filled before it was killed.
bool OwnFiles::is_temporary(const fs::path& folder) const {
  return !corpus_output_.empty() && folder.parent_path() == corpus_output_.parent_path() &&
         folder.filename().string().starts_with(corpus_output_.filename().string() + ".tmp-");
}

void OwnFiles::find_corpus(const fs::path& folder, Folder& found) const {
  if (!is_file(folder / "manifest.json")) return;
  const Json manifest = parsed(read_file(folder / "manifest.json"));
  if (!manifest.is_object() || manifest.value("format", Json()) != "charrnn corpus") return;
  found.some = {folder.string(), "a corpus"};
  found.files = {"manifest.json", "vocabulary.json"};
  try {
    for (const Json& split : manifest.at("splits")) {
      for (const Json& shard : split.at("shards")) found.files.insert(shard.at("file").get<std::string>());
    }
  } catch (const Json::exception&) {
    return;  // damaged: its shards are not text in any case
  }
}

void OwnFiles::find_run(const fs::path& folder, Folder& found) const {
  const bool has_vocabulary = is_vocabulary(folder / "vocabulary.json");
  std::error_code none;  // a run that has just begun has no metrics yet
  const bool is_run = are_metrics(folder / "metrics.jsonl") ||
                      (has_vocabulary && fs::is_directory(folder / "checkpoints", none));
  if (!is_run && has_vocabulary && found.some.folder.empty()) {
    found.some = {folder.string(), "a vocabulary"};
    found.files.insert("vocabulary.json");
  }
  if (!is_run) return;
  if (found.some.folder.empty()) found.some = {folder.string(), "a run"};
  found.files.insert(std::begin(kRunFiles), std::end(kRunFiles));
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("events.out.tfevents") || name.starts_with("trace-rank-")) found.files.insert(name);
  }
}

}  // namespace charrnn
