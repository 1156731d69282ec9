#include "charrnn/checkpoint/run_claim.h"

#include <system_error>

#include "charrnn/core/error.h"
#include "charrnn/core/log.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockFile = ".lock";
// Another start, being refused, may remove the file or the folder that this one is about to lock.
constexpr int kAttempts = 20;

[[noreturn]] void refuse(const fs::path& folder, const std::string& reason) {
  fail_usage("the run's folder ", folder, " cannot be created or written: ", reason,
             ": set run.output to a folder that can be written (--set run.output=FOLDER)");
}

}  // namespace

RunClaim::RunClaim(const fs::path& folder) : folder_(folder) {
  try {
    for (int attempt = 1; !lock_; ++attempt) {
      make_folders();
      try {
        lock_ = std::make_unique<FileLock>(folder_ / kLockFile);
      } catch (const Error& error) {
        if (attempt == kAttempts || fs::is_directory(folder_)) refuse(folder_, error.what());
        continue;
      }
      if (attempt < kAttempts && !lock_->is_in_place()) lock_.reset();
    }
    if (lock_->state() == FileLock::State::kHeldElsewhere) {
      fail_usage("another process is training in ", folder_, lock_->holder(),
                 ": wait for it, stop it, or set another run.output (--set run.output=FOLDER)");
    }
  } catch (const Error&) {
    remove_folders();
    throw;
  }
  if (lock_->state() == FileLock::State::kUnsupported) {
    log::warning(concat("the file system of ", folder_, " cannot lock files (", lock_->reason(),
                        "), so a second process could train in it at the same time. Make sure that only one "
                        "does, or set run.output to a folder on another file system"));
  }
}

RunClaim::~RunClaim() {
  if (is_kept_) return;
  if (lock_->was_created()) lock_->remove();
  lock_.reset();  // before removing its folder: NFS keeps an open file under another name
  remove_folders();
}

void RunClaim::keep() {
  is_kept_ = true;
  if (is_exclusive()) lock_->sign();
}

void RunClaim::make_folders() {
  const fs::path whole = fs::absolute(folder_).lexically_normal();
  fs::path folder;
  for (const fs::path& part : whole) {
    folder /= part;
    std::error_code problem;
    if (fs::is_directory(folder, problem)) continue;
    if (fs::create_directory(folder, problem)) {
      made_.push_back(folder);
    } else if (problem) {
      refuse(folder_, problem.message());
    }
  }
}

// Folders into which something was put meanwhile stay.
void RunClaim::remove_folders() {
  std::error_code ignored;
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) fs::remove(*folder, ignored);
  made_.clear();
}

}  // namespace charrnn
