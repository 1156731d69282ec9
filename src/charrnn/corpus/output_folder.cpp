#include "charrnn/corpus/output_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/host_name.h"
#include "charrnn/core/log.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAdvice =
    ": set corpus.output to a folder that only charrnn uses, or move this one away";

// A file in each folder that is not complete yet, locked by the process that fills the folder.
constexpr const char* kMarker = ".charrnn-preprocess";
constexpr const char* kManifest = "manifest.json";

// The files of ours in a folder in which a run was killed while it replaced them one by one.
std::set<std::string> files_of_unfinished(const fs::path& folder) {
  static const std::regex own(
      R"((train|valid|test)-\d{5,}\.h5|vocabulary\.json|manifest\.json|\.charrnn-preprocess(\.tmp-\d+)?)");
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (std::regex_match(name, own)) names.insert(name);
  }
  return names;
}

// The names of the files that the manifest of a corpus lists, and its own; nullopt if there is no manifest.
std::optional<std::set<std::string>> files_of_corpus(const fs::path& folder) {
  const fs::path file = folder / kManifest;
  std::error_code none;
  if (fs::exists(folder / kMarker, none)) return files_of_unfinished(folder);
  if (!fs::is_regular_file(file, none)) return std::nullopt;
  try {
    const nlohmann::json manifest = nlohmann::json::parse(read_file(file));
    if (manifest.at("format") != "charrnn corpus") return std::nullopt;
    std::set<std::string> names{"manifest.json", "vocabulary.json"};
    for (const nlohmann::json& split : manifest.at("splits")) {
      for (const nlohmann::json& shard : split.at("shards"))
        names.insert(shard.at("file").get<std::string>());
    }
    return names;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

bool is_vocabulary(const fs::path& file) {
  const nlohmann::json json = nlohmann::json::parse(read_file(file), nullptr, false);
  return json.is_object() && json.contains("format_version") && json.contains("unit") &&
         json.contains("characters");
}

// What a folder holds that is not part of a corpus, as a message; empty: nothing.
std::string foreign_in(const fs::path& folder) {
  const auto files = files_of_corpus(folder);
  if (!files) {
    return concat("holds ", fs::directory_iterator(folder)->path().filename().string(),
                  ", and its manifest.json is missing, damaged, or not of a charrnn corpus");
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!files->contains(name) || !entry.is_regular_file()) {
      return concat("holds ", name, ", which its manifest.json does not list");
    }
    if (name == "vocabulary.json" && !is_vocabulary(entry.path())) {
      return "holds a vocabulary.json that is damaged or was not written by charrnn";
    }
  }
  return "";
}

// Only files that charrnn_preprocess wrote may be replaced and removed.
void refuse_foreign(const fs::path& target) {
  if (!fs::exists(fs::symlink_status(target))) return;
  if (!fs::is_directory(target))
    fail_usage("corpus.output ", target.string(), " exists and is not a folder", kAdvice);
  if (fs::is_empty(target)) return;
  const std::string foreign = foreign_in(target);
  if (!foreign.empty()) fail_usage("corpus.output ", target.string(), " exists and ", foreign, kAdvice);
}

// Removes a corpus that was replaced. If other files were put into its folder meanwhile, the folder stays.
void remove_corpus(const fs::path& folder) {
  for (const std::string& name : files_of_corpus(folder).value_or(std::set<std::string>())) {
    fs::remove(folder / name);
  }
  if (fs::is_empty(folder)) {
    fs::remove(folder);
  } else {
    log::warning(concat(folder.string(), " holds files that were not part of the corpus that was replaced: ",
                        "move them to another folder"));
  }
}

bool is_temporary_of_ours(const fs::path& folder) {
  return fs::exists(folder / kMarker) || fs::is_empty(folder) || foreign_in(folder).empty();
}

// NAME.tmp-HOST-: the names of the temporary folders of this host's runs, up to the process id.
std::string temporary_prefix(const fs::path& target) {
  return concat(target.filename().string(), ".tmp-", host_name(), "-");
}

std::optional<FileLock::State> lock_state(const fs::path& file) {
  try {
    return FileLock(file).state();
  } catch (const Error&) {
    return std::nullopt;
  }
}

// If a run was killed between the two renames of replace_in_two_steps, renames the old corpus back.
void put_back_old(const fs::path& target) {
  if (fs::exists(target)) return;
  const std::string general = target.filename().string() + ".tmp-";
  for (const auto& entry : fs::directory_iterator(target.parent_path())) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(general) || !name.ends_with("-old") || !files_of_corpus(entry.path())) continue;
    log::info(concat("renaming the corpus in ", entry.path().string(), " back to ", target.string()));
    fs::rename(entry.path(), target);
    return;
  }
}

// Removes temporary folders of killed runs: of any host if their lock is free; without a lock only those of
// this host, whose process ids can be checked.
void remove_leftovers(const fs::path& target) {
  const std::string general = target.filename().string() + ".tmp-";
  const std::string prefix = temporary_prefix(target);
  for (const auto& entry : fs::directory_iterator(target.parent_path())) {
    const std::string name = entry.path().filename().string();
    if (const fs::path lock = entry.path() / kMarker; name.starts_with(general) && fs::exists(lock)) {
      const std::optional<FileLock::State> state = lock_state(lock);
      if (!state || *state == FileLock::State::kHeldElsewhere)
        continue;  // another user's, or a run is filling it
      if (*state == FileLock::State::kHeld) {
        log::info("removing " + entry.path().string() + ", which a killed run left");
        fs::remove_all(entry.path());
        continue;
      }
    }
    if (!name.starts_with(prefix)) continue;
    pid_t process = 0;
    const auto [end, error] =
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), process);
    if (error != std::errc() || end != name.data() + name.size() || process <= 0) continue;
    if (kill(process, 0) == 0 || errno != ESRCH || !is_temporary_of_ours(entry.path())) continue;
    log::info("removing " + entry.path().string() + ", which a killed run left");
    fs::remove_all(entry.path());
  }
}

// For file systems that cannot exchange two names: between the two renames there is no corpus at `target`.
// False if the target cannot be renamed at all: it is a mount point, or is in a lower layer of an overlay.
bool replace_in_two_steps(const fs::path& fresh, const fs::path& target) {
  const fs::path old = fresh.string() + "-old";
  std::error_code problem;
  fs::rename(target, old, problem);
  if (problem) return false;
  fs::rename(fresh, target, problem);
  if (!problem) {
    fs::rename(old, fresh);
    return true;
  }
  fs::rename(old, target);
  return false;
}

// Replaces the files in `target`, which itself stays. While it has the marker it is not a corpus, and the
// next run may replace what is in it.
void replace_files(const fs::path& fresh, const fs::path& target) {
  const auto names = files_of_corpus(fresh).value_or(std::set<std::string>());
  const auto old_names = files_of_corpus(target).value_or(std::set<std::string>());
  write_file_atomically(target / kMarker, "");
  fs::remove(target / kManifest);
  for (const std::string& name : old_names) {
    if (name != kMarker) fs::remove(target / name);
  }
  const auto move = [&](const std::string& name) {
    fs::copy_file(fresh / name, target / name, fs::copy_options::overwrite_existing);
    sync_file(target / name);
  };
  for (const std::string& name : names) {
    if (name != kManifest) move(name);
  }
  move(kManifest);
  fs::remove(target / kMarker);
  sync_folder(target);
}

}  // namespace

OutputFolder::OutputFolder(const fs::path& target) {
  refuse_foreign(target);
  // A link to a folder stays a link: the folder that it points to is replaced.
  target_ = fs::weakly_canonical(fs::absolute(target));
  if (!target_.has_filename()) target_ = target_.parent_path();
  std::error_code error;
  fs::create_directories(target_.parent_path(), error);
  temporary_ = target_.parent_path() / (temporary_prefix(target_) + std::to_string(getpid()));
  if (!error) {
    put_back_old(target_);
    remove_leftovers(target_);
    if (fs::exists(temporary_) && is_temporary_of_ours(temporary_)) fs::remove_all(temporary_);
    if (!fs::create_directory(temporary_, error) && !error)
      error = std::make_error_code(std::errc::file_exists);
  }
  if (error) {
    fail_usage("cannot create the folder ", temporary_.string(), " for corpus.output: ", error.message(),
               ": correct the permissions, or set another corpus.output");
  }
  lock_.emplace(temporary_ / kMarker);
}

OutputFolder::~OutputFolder() {
  lock_.reset();  // first: NFS keeps an open file under another name
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void OutputFolder::commit() {
  refuse_foreign(target_);
  lock_->remove();
  lock_.reset();
  sync_folder(temporary_);
  const auto swap = [&](unsigned flags) {
    return renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), flags) == 0;
  };
  std::error_code problem;
  if (!swap(RENAME_NOREPLACE)) {
    if (!fs::exists(target_)) {
      fs::rename(temporary_, target_, problem);  // the file system does not support renameat2's flags
      check(!problem, "cannot rename ", temporary_.string(), " to ", target_.string(), ": ",
            problem.message(), ": check permissions");
    } else if (!swap(RENAME_EXCHANGE) && !replace_in_two_steps(temporary_, target_)) {
      committed_ = true;  // from now on the temporary folder may hold the only copy
      try {
        replace_files(temporary_, target_);
      } catch (const std::exception& error) {
        fail("cannot put the corpus into ", target_.string(), ": ", error.what(), ". The whole corpus is in ",
             temporary_.string(), ": free some space, and move its files to ", target_.string(),
             ", manifest.json last");
      }
    }
  }
  committed_ = true;
  sync_folder(target_.parent_path());
  if (fs::exists(temporary_)) remove_corpus(temporary_);  // the old one
}

}  // namespace charrnn
