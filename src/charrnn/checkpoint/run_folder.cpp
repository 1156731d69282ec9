#include "charrnn/checkpoint/run_folder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "charrnn/checkpoint/safetensors.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"

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

// The step of a checkpoint that charrnn wrote, from its metadata; nullopt for any other file.
std::optional<int64_t> step_inside(const fs::path& file) {
  try {
    const auto metadata = read_safetensors_metadata(file);
    if (!metadata.at("build").starts_with("charrnn ")) return std::nullopt;
    return nlohmann::json::parse(metadata.at("step")).get<int64_t>();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// Whether the file is as charrnn wrote it, neither damaged nor edited.
bool is_whole(const fs::path& file) {
  try {
    return !read_safetensors(file).is_edited;
  } catch (const Error&) {
    return false;
  }
}

// Keeps a checkpoint that was skipped: a user may have edited it.
void keep_aside(const fs::path& file) {
  const fs::path folder = file.parent_path().parent_path() / "discarded";
  fs::create_directories(folder);
  fs::rename(file, folder / file.filename());
  log::warning(concat(
      file, " was edited or damaged, and this run writes that step again: the old file is now in ", folder));
}

// Names of files that a run writes, and that a killed run may leave half written.
bool is_run_file(const std::string& name) {
  const bool is_report =
      (name.starts_with("abort-report-rank-") || name.starts_with("last-operations-rank-")) &&
      name.ends_with(".txt");
  return name == "config.yaml" || name == "vocabulary.json" || is_report;
}
bool is_checkpoint_file(const std::string& name) {
  const auto step = step_of(name);
  return name == "latest" || name == "best" || (step && name == file_name(*step));
}

std::string beginning_of(const fs::path& file, size_t bytes) {
  std::string text(bytes, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(text.data(), static_cast<std::streamsize>(bytes));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

bool starts_as_metrics(const fs::path& file) {
  return beginning_of(file, 9) == "{\"kind\":\"";
}

constexpr std::string_view kEvents = "events.out.tfevents.charrnn";

}  // namespace

const char* const kConfigMark =
    "# Written by charrnn at each start of this run: the settings in force. Changes made here are lost.\n";

fs::path RunFolder::checkpoint(int64_t step) const {
  return checkpoints() / file_name(step);
}

fs::path RunFolder::next_events() const {
  int64_t last = 0;
  if (fs::is_directory(path_)) {
    for (const auto& entry : fs::directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(kEvents) || name.size() < kEvents.size() + 2) continue;
      int64_t number = 0;
      std::from_chars(name.data() + kEvents.size() + 1, name.data() + name.size(), number);
      last = std::max(last, number);
    }
  }
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), ".%010lld", static_cast<long long>(last + 1));
  return path_ / (std::string(kEvents) + number.data());
}

bool RunFolder::is_run_of_ours() const {
  if (beginning_of(config(), std::string_view(kConfigMark).size()) == kConfigMark) return true;
  const std::vector<int64_t> all = steps();
  return std::any_of(all.begin(), all.end(),
                     [&](int64_t step) { return step_inside(checkpoint(step)).has_value(); });
}

void RunFolder::refuse_foreign() const {
  const auto refuse = [](const fs::path& file) {
    fail_usage(file,
               " was not written by charrnn, and a run in this folder would overwrite it: set another "
               "run.output (--set run.output=FOLDER), or give that file another name");
  };
  const bool has_metrics = fs::exists(metrics()) && fs::file_size(metrics()) > 0;
  const bool is_ours = is_run_of_ours();
  if (fs::exists(config())) {
    const std::string text = read_file(config());
    if (!text.empty() && !text.starts_with(kConfigMark)) refuse(config());
  }
  if (!is_ours) {
    if (has_metrics && !starts_as_metrics(metrics())) refuse(metrics());
    if (fs::exists(vocabulary()) &&
        beginning_of(vocabulary(), 20).find("\"format_version\"") == std::string::npos) {
      refuse(vocabulary());
    }
    if (fs::exists(samples()) && fs::file_size(samples()) > 0 && beginning_of(samples(), 9) != "--- step ") {
      refuse(samples());
    }
  }
  const std::optional<int64_t> recorded = steps().empty() ? recorded_step() : std::nullopt;
  if (recorded) {
    fail_usage(metrics(), " records checkpoints, the last of step ", *recorded, ", but none is in ",
               checkpoints(),
               ": were they deleted, or not copied? Copy them back to continue; or set another "
               "run.output (--set run.output=FOLDER); or, to start again here, move ",
               metrics(), " away");
  }
}

// The step in the last line of metrics.jsonl about a checkpoint.
std::optional<int64_t> RunFolder::recorded_step() const {
  constexpr std::string_view kBegin = "{\"kind\":\"checkpoint\",\"step\":";
  std::optional<int64_t> step;
  std::ifstream in(metrics(), std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(kBegin)) continue;
    int64_t found = 0;
    const auto result = std::from_chars(line.data() + kBegin.size(), line.data() + line.size(), found);
    if (result.ec == std::errc()) step = found;
  }
  return step;
}

void RunFolder::warn_of_lost() const {
  const std::vector<int64_t> all = steps();
  if (all.empty()) return;
  if (const auto recorded = recorded_step(); recorded && *recorded > all.front()) {
    log::warning(
        concat(metrics(), " records a checkpoint of step ", *recorded, ", the newest in ", checkpoints(),
               " is of step ", all.front(),
               ": the run resumes from that one. If the other was moved or not copied, stop this run "
               "and copy it back"));
  }
  best();
}

void RunFolder::create(bool alone) const {
  std::error_code problem;
  fs::create_directories(checkpoints(), problem);
  if (problem) {
    fail_usage("the folder ", checkpoints(), " cannot be created: ", problem.message(),
               ": set run.output to a folder that can be written (--set run.output=FOLDER), or move away "
               "the file in its place");
  }
  if (!alone) return;
  remove_leftovers(path_, is_run_file);
  remove_leftovers(checkpoints(), is_checkpoint_file);
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
  const fs::path link = checkpoints() / "best";
  const std::optional<std::string> target = link_target(link);
  return target ? step_of(*target) : step_inside(link);  // a copy of the run may have files in place of links
}

std::optional<fs::path> RunFolder::best() const {
  const fs::path link = checkpoints() / "best";
  const std::optional<std::string> target = link_target(link);
  const fs::path file = target ? checkpoints() / *target : link;
  if (fs::exists(file)) return file;
  if (target)
    log::warning(concat("the best checkpoint, ", file, ", is missing: was it deleted, or not copied?"));
  return std::nullopt;
}

// Removes the file only if charrnn wrote it as a checkpoint of this step.
void RunFolder::remove_own(int64_t step) const {
  if (step_inside(checkpoint(step)) == step) fs::remove(checkpoint(step));
}

void RunFolder::save(const Checkpoint& contents, bool is_best, int64_t keep, int64_t good_step) const {
  const int64_t step = contents.step;
  std::error_code problem;
  fs::create_directories(checkpoints(), problem);
  if (problem) {
    const std::string message = concat("cannot create the folder ", checkpoints(), ": ", problem.message());
    if (is_disk_full(problem.value())) throw DiskFullError(message + ": free some space");
    fail(message);
  }
  if (fs::exists(checkpoint(step)) && !is_whole(checkpoint(step))) keep_aside(checkpoint(step));
  write_checkpoint(checkpoint(step), contents);
  replace_link(checkpoints() / "latest", file_name(step));
  if (is_best) replace_link(checkpoints() / "best", file_name(step));
  const std::optional<int64_t> best = best_step();
  int64_t kept = 1;
  for (const int64_t other : steps()) {
    // Later ones are damaged, or a user's.
    if (other >= step || kept++ < keep || other == best || other == good_step) continue;
    remove_own(other);
  }
}

std::optional<Checkpoint> RunFolder::newest() const {
  const std::vector<int64_t> all = steps();
  for (const int64_t step : all) {
    try {
      Checkpoint found = read_checkpoint(checkpoint(step));
      if (step != all.front()) log::warning(concat("resuming from ", checkpoint(step), " instead"));
      return found;
    } catch (const UnreadableError& problem) {
      // It may be undamaged: resuming from an older one would silently lose the steps between.
      if (!fs::exists(checkpoint(step))) continue;  // removed meanwhile
      fail(problem.what(), ": make it readable; or move it away, to resume from an older one");
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
      if (!found.is_good) continue;
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
    if (other > step) remove_own(other);
  }
}

fs::path checkpoint_file(const fs::path& file) {
  if (fs::is_symlink(file)) return file;
  const std::optional<std::string> target = link_target(file);
  return target && step_of(*target) ? file.parent_path() / *target : file;  // not a link: a damaged file
}

Checkpoint open_run(const fs::path& run, fs::path* file) {
  const auto read = [&](const fs::path& path) {
    Checkpoint found = read_checkpoint(path);
    if (file != nullptr) *file = path;
    return found;
  };
  std::error_code unreachable;
  if (!fs::exists(run, unreachable)) {
    if (unreachable)
      fail_usage(run, " cannot be read: ", unreachable.message(), ": check the path and its permissions");
    fail_usage(run,
               " does not exist: expected a run's folder (run.output of its config) or a checkpoint file");
  }
  if (!fs::is_directory(run)) return read(checkpoint_file(run));
  const RunFolder folder(run);
  if (const auto best = folder.best()) {
    try {
      return read(*best);
    } catch (const Error& problem) {
      log::warning(problem.what());
    }
  }
  std::optional<Checkpoint> found = folder.newest();
  if (!found) {
    fail_usage(run, " has no checkpoint yet: expected ", folder.checkpoints() / file_name(0),
               " or later; train first");
  }
  if (file != nullptr) *file = folder.checkpoint(found->step);
  return std::move(*found);
}

}  // namespace charrnn
