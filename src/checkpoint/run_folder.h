// The folder of a run, as files:
//   config.yaml                                 the settings in force
//   vocabulary.json                             the characters, for charrnn_preprocess to fine-tune with
//   metrics.jsonl, samples.txt, events.out.tfevents.charrnn   grow as the run goes on
//   checkpoints/step-000001000.safetensors      the last `checkpoint.keep`, and the best
//   checkpoints/latest, checkpoints/best        links to two of them
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace charrnn {

// Held by the one process that writes into a run's folder; the system frees it when the process ends, however
// it ends.
class FolderLock {
 public:
  // Throws Error (exit code 2) where another process holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.yaml"; }
  std::filesystem::path vocabulary() const { return path_ / "vocabulary.json"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path events() const { return path_ / "events.out.tfevents.charrnn"; }
  std::filesystem::path samples() const { return path_ / "samples.txt"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path checkpoint(int64_t step) const;

  // Makes the folders, and removes temporary files that a killed process left.
  void create() const;

  // Steps of the checkpoints that are there, newest first.
  std::vector<int64_t> steps() const;

  // Writes the checkpoint, points `latest` at it, and `best` too if told so; then removes all but the newest
  // `keep`, the best, and the one of progress.good_step.
  void save(const Checkpoint& checkpoint, bool is_best, int64_t keep) const;

  // The newest checkpoint that is whole; damaged ones are named in a warning and passed over. nullopt where
  // the run has none yet. Throws Error where there are some but none can be used.
  std::optional<Checkpoint> newest() const;

  // The newest whole one that is_good. The one of step NOT_THIS only where there is no other: the run
  // diverged again after it. nullopt where there is none.
  std::optional<Checkpoint> newest_good(int64_t not_this) const;
  // Removes the checkpoints of later steps, the best too if it is one.
  void remove_after(int64_t step) const;

 private:
  std::optional<int64_t> best_step() const;

  std::filesystem::path path_;
};

// What a user calls RUN: a run's folder (its best checkpoint, else the newest) or one checkpoint file. `file`
// becomes the file that was read.
Checkpoint open_run(const std::filesystem::path& run, std::filesystem::path* file = nullptr);

}  // namespace charrnn
