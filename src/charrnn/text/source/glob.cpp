#include "charrnn/text/source/glob.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWildcards = "*?[";
constexpr std::string_view kAnyFolders = "**";

class Matcher {
 public:
  explicit Matcher(const fs::path& pattern) {
    for (const fs::path& part : pattern) {
      const bool repeated = part == kAnyFolders && !parts_.empty() && parts_.back() == kAnyFolders;
      if (!part.empty() && !repeated) parts_.push_back(part.string());
    }
    // At the end, ** matches everything below.
    if (!parts_.empty() && parts_.back() == kAnyFolders) parts_.emplace_back("*");
  }

  GlobMatches match() {
    match_from({}, 0);
    for (auto* list : {&matches_.paths, &matches_.unreadable}) {
      std::sort(list->begin(), list->end());
      list->erase(std::unique(list->begin(), list->end()), list->end());
    }
    return std::move(matches_);
  }

 private:
  using FolderId = std::pair<dev_t, ino_t>;

  // Matches the parts from number `part`, relative to `folder` (empty: the current one).
  void match_from(const fs::path& folder, size_t part) {
    if (part == parts_.size()) {
      matches_.paths.push_back(folder);
      return;
    }
    const std::string& name = parts_[part];
    if (name == kAnyFolders) {
      match_below(folder, part + 1);
    } else if (has_wildcards(name)) {
      for (const fs::path& entry : entries_of(folder)) {
        if (fnmatch(name.c_str(), entry.filename().c_str(), FNM_PERIOD) == 0) match_from(entry, part + 1);
      }
    } else {
      const fs::path entry = folder / name;
      std::error_code none;
      if (fs::exists(fs::symlink_status(entry, none))) match_from(entry, part + 1);
    }
  }

  // The same in each folder below, and in `folder` itself.
  void match_below(const fs::path& folder, size_t part) {
    struct stat status {};
    if (stat(folder.empty() ? "." : folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return;
    const FolderId id(status.st_dev, status.st_ino);
    if (std::find(above_.begin(), above_.end(), id) != above_.end()) return;
    match_from(folder, part);
    above_.push_back(id);
    for (const fs::path& entry : entries_of(folder)) {
      std::error_code none;
      if (!entry.filename().string().starts_with('.') && fs::is_directory(entry, none)) {
        match_below(entry, part);
      }
    }
    above_.pop_back();
  }

  std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    std::error_code error;
    auto entry = fs::directory_iterator(folder.empty() ? fs::path(".") : folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      entries.push_back(folder / entry->path().filename());
    }
    // A path that does not exist or is not a folder has no matches.
    const bool has_none = error == std::errc::no_such_file_or_directory ||
                          error == std::errc::not_a_directory ||
                          error == std::errc::too_many_symbolic_link_levels;
    if (error && !has_none) matches_.unreadable.push_back(folder);
    return entries;
  }

  std::vector<std::string> parts_;
  std::vector<FolderId> above_;  // the folders above the one in which ** is matched
  GlobMatches matches_;
};

}  // namespace

bool has_wildcards(std::string_view text) {
  return text.find_first_of(kWildcards) != std::string_view::npos;
}

GlobMatches match_glob(const fs::path& pattern) {
  return Matcher(pattern).match();
}

bool matches_name(const std::string& pattern, const std::string& name) {
  if (fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return true;
  for (size_t at = pattern.find("**/"); at != std::string::npos; at = pattern.find("**/", at + 1)) {
    if (at > 0 && pattern[at - 1] != '/') continue;
    std::string fewer = pattern;
    if (matches_name(fewer.erase(at, 3), name)) return true;
  }
  return false;
}

}  // namespace charrnn
