// The files of a run that grow with it (growing_file.h), together.
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
  // Continues where the checkpoint of PROGRESS left them. LAST_LINES: what the line about that checkpoint may
  // be, which a run that was killed right after saving lacks.
  RunFiles(const RunFolder& folder, const Progressed& progress, const std::vector<std::string>& last_lines);

  void add_metrics(const std::string& lines) { metrics_.append(lines); }
  void add_samples(const std::string& text);  // shown so that any text is one of UTF-8
  void add_event_record(const std::string& record) { events_.append(record); }

  uint64_t metrics_bytes() const { return metrics_.bytes(); }
  uint64_t samples_bytes() const { return samples_.bytes(); }

  // A full disk has not taken all yet.
  bool are_waiting() const;
  // That this has begun or ended since the last call, for people.
  std::optional<std::string> news();
  // What ended all writing into one of them, or empty.
  std::string failure() const;
  void flush();
  // If the folder was deleted or renamed, writes those again that are gone; false if none is.
  bool restore();

 private:
  GrowingFile metrics_;
  GrowingFile events_;
  GrowingFile samples_;
  bool is_full_ = false;  // by the last news
};

}  // namespace charrnn
