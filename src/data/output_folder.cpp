#include "data/output_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/system_reason.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

// Held by the process that fills the temporary folder.
constexpr const char* kLockFile = ".lock";

// Only what charrnn_preprocess writes may be replaced and removed.
bool is_our_file(const std::string& name) {
  if (name == "manifest.json" || name == "vocabulary.json") return true;
  return name.ends_with(".h5") &&
         (name.starts_with("train-") || name.starts_with("valid-") || name.starts_with("test-"));
}

void refuse_foreign(const fs::path& target) {
  if (!fs::exists(fs::symlink_status(target))) return;
  const std::string advice = ": set corpus.output to a folder of its own, or remove this one yourself";
  if (!fs::is_directory(target))
    fail_usage("corpus.output ", target.string(), " exists and is not a folder", advice);
  if (fs::is_empty(target)) return;
  for (const auto& entry : fs::directory_iterator(target)) {
    const std::string name = entry.path().filename().string();
    if (!is_our_file(name)) {
      fail_usage("corpus.output ", target.string(), " exists and holds ", name,
                 ", which is no part of a corpus", advice);
    }
  }
  if (!fs::exists(target / "manifest.json") ||
      read_file(target / "manifest.json").find("\"charrnn corpus\"") == std::string::npos) {
    fail_usage("corpus.output ", target.string(),
               " exists and has no manifest.json of a charrnn corpus, or a damaged one", advice);
  }
}

// NAME.tmp-HOST-: what this machine's runs call their temporary folders, up to the process id.
std::string temporary_prefix(const fs::path& target) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return target.filename().string() + ".tmp-" + host.data() + "-";
}

// On any host, if it has a lock that nobody holds; else by the number of its process, which means something
// only on this host.
void remove_leftovers(const fs::path& target) {
  const std::string general = target.filename().string() + ".tmp-";
  const std::string prefix = temporary_prefix(target);
  for (const auto& entry : fs::directory_iterator(target.parent_path())) {
    const std::string name = entry.path().filename().string();
    if (const fs::path lock = entry.path() / kLockFile; name.starts_with(general) && fs::exists(lock)) {
      if (FileLock(lock).state() != FileLock::State::kHeld) continue;  // a run is filling it
      log::info("removing " + entry.path().string() + ", left over by a run that was killed");
      fs::remove_all(entry.path());
      continue;
    }
    if (!name.starts_with(prefix)) continue;
    pid_t process = 0;
    const auto [end, error] =
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), process);
    if (error != std::errc() || end != name.data() + name.size() || process <= 0) continue;
    if (kill(process, 0) == 0 || errno != ESRCH) continue;
    log::info("removing " + entry.path().string() + ", left over by a run that was killed");
    fs::remove_all(entry.path());
  }
}

// For file systems that cannot exchange two names: between the two renames there is no corpus under its name.
void replace_in_two_steps(const fs::path& fresh, const fs::path& target) {
  const fs::path old = fresh.string() + "-old";
  fs::rename(target, old);
  fs::rename(fresh, target);
  fs::rename(old, fresh);
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
    remove_leftovers(target_);
    fs::remove_all(temporary_);
    fs::create_directory(temporary_, error);
  }
  if (error) {
    fail_usage("cannot create the folder ", temporary_.string(), " for corpus.output: ", error.message(),
               ": correct its permissions, or set another corpus.output");
  }
  lock_.emplace(temporary_ / kLockFile);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void OutputFolder::commit() {
  lock_->remove();
  sync_folder(temporary_);
  if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) != 0) {
    check(errno == EEXIST || errno == EINVAL, "cannot rename ", temporary_.string(), " to ", target_.string(),
          ": ", system_reason(), ": check permissions");
    if (!fs::exists(target_)) {
      fs::rename(temporary_, target_);
    } else if (renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0) {
      check(errno == EINVAL, "cannot exchange ", temporary_.string(), " and ", target_.string(), ": ",
            system_reason(), ": check permissions");
      replace_in_two_steps(temporary_, target_);
    }
  }
  sync_folder(target_.parent_path());
  fs::remove_all(temporary_);  // the old corpus, if there was one
}

}  // namespace charrnn
