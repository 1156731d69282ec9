// The files that a run appends to (growing_file.h): metrics.jsonl, samples.txt and TensorBoard events.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "charrnn/checkpoint/run_folder.h"
#include "charrnn/core/growing_file.h"

namespace charrnn {

class RunFiles {
 public:
  RunFiles() = default;  // writes nothing
  // Continues the files after `step` at the lengths in `saved`; begins new files if it is empty.
  // `last_lines`: the possible lines about that checkpoint; a run that was killed right after saving has not
  // written its line.
  RunFiles(const RunFolder& folder, const SavedStates& saved, int64_t step,
           const std::vector<std::string>& last_lines);

  void add_metrics(const std::string& lines) { metrics_.append(lines); }
  void add_samples(const std::string& text);  // any bytes; other than printable UTF-8 is written as codes
  void add_event_record(const std::string& record) { events_.append(record); }

  // Saves the lengths of the files, including the line about the checkpoint that will be added.
  void save(SavedStates& saved, const std::string& checkpoint_line) const;

  // Whether data waits in memory because the disk is full.
  bool are_waiting() const;
  // A message if this has begun or ended since the last call.
  std::optional<std::string> news();
  // The error that ended all writing to one of the files, or empty.
  std::string failure() const;
  void flush();
  // If the folder was deleted or renamed, writes the missing files again; false if none is missing.
  bool restore();

 private:
  struct Lengths {
    uint64_t metrics_bytes = 0;
    uint64_t samples_bytes = 0;

    template <class Self, class Visitor>
    static void visit(Self& lengths, const Visitor& v) {
      v("metrics_bytes", lengths.metrics_bytes);
      v("samples_bytes", lengths.samples_bytes);
    }
  };
  RunFiles(const RunFolder& folder, const Lengths& lengths, int64_t step,
           const std::vector<std::string>& last_lines);

  GrowingFile metrics_;
  GrowingFile events_;
  GrowingFile samples_;
  bool is_full_ = false;  // the disk, according to the last news
};

}  // namespace charrnn
