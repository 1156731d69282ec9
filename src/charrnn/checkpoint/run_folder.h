// The folder of a run, as files:
//   config.yaml                                 the settings in force
//   vocabulary.json                             the characters, for preprocessing a corpus to fine-tune on
//   metrics.jsonl, samples.txt                  grow with the run
//   events.out.tfevents.charrnn.0000000001      for TensorBoard, a new one for each start
//   checkpoints/step-000001000.safetensors      the last `checkpoint.keep`, and the best
//   checkpoints/latest, checkpoints/best        links to two of them
//   discarded/                                  what was cut off metrics.jsonl and samples.txt; edited
//                                               checkpoints that were replaced
//   .lock                                       held by the process that trains here (run_claim.h)
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/checkpoint/checkpoint.h"

namespace charrnn {

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.yaml"; }
  std::filesystem::path vocabulary() const { return path_ / "vocabulary.json"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  // The event file of a new start: its name sorts after the existing ones, the order in which TensorBoard
  // reads.
  std::filesystem::path next_events() const;
  std::filesystem::path samples() const { return path_ / "samples.txt"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path checkpoint(int64_t step) const;

  // Throws Error (kInput) if the folder holds a file that charrnn did not write and a run would
  // overwrite; or if metrics.jsonl records checkpoints, but none exists.
  void refuse_foreign() const;

  // Warns if the newest checkpoint that metrics.jsonl records, or the best, is gone.
  void warn_of_lost() const;

  // Creates the folder of checkpoints. `alone`: no other process writes here; then files that a killed
  // process left half written are removed.
  void create(bool alone) const;

  // Steps of the existing checkpoints, newest first.
  std::vector<int64_t> steps() const;

  // Writes the checkpoint, points `latest` at it, and with `is_best` also `best`; then removes older ones
  // except the newest, so that `keep` remain, the best, and that of `good_step`. Throws DiskFullError if it
  // does not fit; existing files stay.
  void save(const Checkpoint& checkpoint, bool is_best, int64_t keep, int64_t good_step = -1) const;

  // The newest undamaged checkpoint; damaged ones are skipped with a warning. nullopt if the run has no
  // checkpoints yet. Throws Error if there are some but none can be used.
  std::optional<Checkpoint> newest() const;

  // The newest undamaged checkpoint that is good; that of step `not_this`, after which the run diverged
  // again, only if there is no other. nullopt if no checkpoint is good.
  std::optional<Checkpoint> newest_good(int64_t not_this) const;
  // Removes the checkpoints of later steps, even the best.
  void remove_after(int64_t step) const;

  // The checkpoint that `best` points at; nullopt if the run has none yet, or, with a warning, if it is
  // missing.
  std::optional<std::filesystem::path> best() const;

 private:
  std::optional<int64_t> best_step() const;
  std::optional<int64_t> recorded_step() const;
  bool is_run_of_ours() const;
  void remove_own(int64_t step) const;

  std::filesystem::path path_;
};

// The first line of the config.yaml that a run writes: a file that begins with it may be overwritten.
extern const char* const kConfigMark;

// `file`, or the file that it points at if it is a link in the form of a text file (atomic_file.h).
std::filesystem::path checkpoint_file(const std::filesystem::path& file);

// Opens the RUN of a command line: a run's folder (its best checkpoint, else the newest), a checkpoint file,
// or a link to one in either form (atomic_file.h). `file` is set to the file that was read.
Checkpoint open_run(const std::filesystem::path& run, std::filesystem::path* file = nullptr);

}  // namespace charrnn
