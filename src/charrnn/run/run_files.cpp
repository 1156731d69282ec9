#include "charrnn/run/run_files.h"

#include "charrnn/core/error.h"
#include "charrnn/run/event_file.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

GrowingFile open_metrics(const std::filesystem::path& path, uint64_t bytes,
                         const std::vector<std::string>& last_lines) {
  std::error_code is_absent;
  const uint64_t present = std::filesystem::file_size(path, is_absent);
  for (const std::string& line : last_lines) {
    if (is_absent || present + line.size() != bytes) continue;
    GrowingFile file(path, present);
    file.append(line);
    return file;
  }
  return {path, bytes};
}

}  // namespace

RunFiles::RunFiles(const RunFolder& folder, const SavedStates& saved, int64_t step,
                   const std::vector<std::string>& last_lines)
    : RunFiles(folder, saved.owners().empty() ? Lengths() : saved.get<Lengths>("files"), step, last_lines) {}

RunFiles::RunFiles(const RunFolder& folder, const Lengths& lengths, int64_t step,
                   const std::vector<std::string>& last_lines)
    : metrics_(open_metrics(folder.metrics(), lengths.metrics_bytes, last_lines)),
      events_(folder.next_events(), 0),
      samples_(folder.samples(), lengths.samples_bytes) {
  events_.append(event_file_start(wall_time(), step + 1));
}

void RunFiles::save(SavedStates& saved, const std::string& checkpoint_line) const {
  saved.put("files", Lengths{metrics_.bytes() + checkpoint_line.size(), samples_.bytes()});
}

void RunFiles::add_samples(const std::string& text) {
  samples_.append(printable_text(text));
}

bool RunFiles::are_waiting() const {
  return metrics_.waiting_bytes() + events_.waiting_bytes() + samples_.waiting_bytes() > 0;
}

std::optional<std::string> RunFiles::news() {
  if (are_waiting() == is_full_) return std::nullopt;
  is_full_ = !is_full_;
  const std::filesystem::path folder = metrics_.path().parent_path();
  if (is_full_) {
    return concat("the disk of ", folder,
                  " is full: the run continues, and keeps new lines of metrics.jsonl and ",
                  "samples.txt in memory until there is space: free some");
  }
  const uint64_t lost = metrics_.lost_bytes() + events_.lost_bytes() + samples_.lost_bytes();
  return concat("the disk of ", folder, " has space again: the lines kept in memory are written",
                lost > 0 ? concat(", but ", lost, " bytes that did not fit in memory are lost") : "");
}

std::string RunFiles::failure() const {
  for (const GrowingFile* file : {&metrics_, &samples_, &events_}) {
    if (!file->failure().empty()) return file->failure();
  }
  return {};
}

void RunFiles::flush() {
  for (GrowingFile* file : {&metrics_, &samples_, &events_}) file->flush();
}

bool RunFiles::restore() {
  bool is_any_gone = false;
  for (GrowingFile* file : {&metrics_, &samples_, &events_}) {
    is_any_gone |= !file->is_in_place();
    file->restore();
  }
  return is_any_gone;
}

}  // namespace charrnn
