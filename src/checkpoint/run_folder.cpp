#include "checkpoint/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kSuffix = ".safetensors";

std::string file_name(int64_t step) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "step-%09lld.safetensors", static_cast<long long>(step));
  return text.data();
}

std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  int64_t step = 0;
  const char* end = name.data() + name.size() - kSuffix.size();
  const auto result = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return step;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder)
    : descriptor_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  check(descriptor_ >= 0, "cannot open the folder ", folder);
  if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return;  // some file systems have no locks
  close(descriptor_);
  fail_usage("another process is training in ", folder, ": wait for it, stop it, or set another run.output");
}

FolderLock::~FolderLock() {
  close(descriptor_);
}

fs::path RunFolder::checkpoint(int64_t step) const {
  return checkpoints() / file_name(step);
}

void RunFolder::create() const {
  std::error_code problem;
  fs::create_directories(checkpoints(), problem);
  if (problem) {
    fail_usage("the run's folder ", path_, " cannot be made: ", problem.message(),
               ": set run.output to a folder ", "that can be written");
  }
  for (const fs::path& folder : {path_, checkpoints()}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().filename().string().find(".tmp-") != std::string::npos) fs::remove(entry.path());
    }
  }
}

std::vector<int64_t> RunFolder::steps() const {
  std::vector<int64_t> steps;
  if (!fs::is_directory(checkpoints())) return steps;
  for (const auto& entry : fs::directory_iterator(checkpoints())) {
    if (const auto step = step_of(entry.path().filename().string()); step && !entry.is_symlink()) {
      steps.push_back(*step);
    }
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

std::optional<int64_t> RunFolder::best_step() const {
  std::error_code problem;
  const fs::path target = fs::read_symlink(checkpoints() / "best", problem);
  return problem ? std::nullopt : step_of(target.filename().string());
}

void RunFolder::save(const Checkpoint& contents, bool is_best, int64_t keep) const {
  const int64_t step = contents.progress.step;
  fs::create_directories(checkpoints());
  write_checkpoint(checkpoint(step), contents);
  replace_link(checkpoints() / "latest", file_name(step));
  if (is_best) replace_link(checkpoints() / "best", file_name(step));
  const std::vector<int64_t> all = steps();
  const std::optional<int64_t> best = best_step();
  for (size_t i = static_cast<size_t>(keep); i < all.size(); ++i) {
    if (all[i] != best && all[i] != contents.progress.good_step) fs::remove(checkpoint(all[i]));
  }
}

std::optional<Checkpoint> RunFolder::newest() const {
  const std::vector<int64_t> all = steps();
  for (const int64_t step : all) {
    try {
      Checkpoint found = read_checkpoint(checkpoint(step));
      if (step != all.front()) log::warning(concat("going on from ", checkpoint(step), " instead"));
      return found;
    } catch (const Error& problem) {
      log::warning(problem.what());
    }
  }
  if (all.empty()) return std::nullopt;
  fail("none of the ", all.size(), " checkpoints in ", checkpoints(),
       " can be used: restore one from a backup, or start again with another run.output");
}

std::optional<Checkpoint> RunFolder::newest_good(int64_t not_this) const {
  std::optional<Checkpoint> fallback;
  for (const int64_t step : steps()) {
    try {
      Checkpoint found = read_checkpoint(checkpoint(step));
      if (!is_good(found.progress, found.marks)) continue;
      if (step != not_this) return found;
      fallback = std::move(found);
    } catch (const Error& problem) {
      log::warning(problem.what());
    }
  }
  return fallback;
}

void RunFolder::remove_after(int64_t step) const {
  if (best_step().value_or(step) > step) fs::remove(checkpoints() / "best");
  for (const int64_t other : steps()) {
    if (other > step) fs::remove(checkpoint(other));
  }
}

Checkpoint open_run(const fs::path& run, fs::path* file) {
  if (!fs::exists(run)) {
    fail_usage(run, " is not there: expected a run's folder (run.output of its config) or a checkpoint file");
  }
  if (!fs::is_directory(run)) {
    if (file != nullptr) *file = run;
    return read_checkpoint(run);
  }
  const RunFolder folder(run);
  if (const fs::path best = folder.checkpoints() / "best"; fs::exists(best)) {
    try {
      Checkpoint found = read_checkpoint(best);
      if (file != nullptr) *file = folder.checkpoint(found.progress.step);
      return found;
    } catch (const Error& problem) {
      log::warning(problem.what());
    }
  }
  std::optional<Checkpoint> found = folder.newest();
  if (!found) {
    fail_usage(run, " has no checkpoint yet: expected ", folder.checkpoints() / file_name(0),
               " or later; train first");
  }
  if (file != nullptr) *file = folder.checkpoint(found->progress.step);
  return std::move(*found);
}

}  // namespace charrnn
