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
  // Continues after `step`, where the checkpoint left the files; with an empty `saved`, begins them.
  // `last_lines`: what the line about that checkpoint may be, which a run that was killed right after saving
  // lacks.
  RunFiles(const RunFolder& folder, const SavedStates& saved, int64_t step,
           const std::vector<std::string>& last_lines);

  void add_metrics(const std::string& lines) { metrics_.append(lines); }
  void add_samples(const std::string& text);  // any bytes; what is not printable UTF-8 is shown by its code
  void add_event_record(const std::string& record) { events_.append(record); }

  // Where the files end, once the line about the checkpoint is added.
  void save(SavedStates& saved, const std::string& checkpoint_line) const;

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
  bool is_full_ = false;  // by the last news
};

}  // namespace charrnn
