// A file that grows during a run: metrics.jsonl, samples.txt, TensorBoard's events. Each text is written at
// once, so that a killed process loses nothing. A resumed run truncates the file to its length at the
// checkpoint, and keeps what it cuts off. A failed write does not end the run: if the disk is full, the text
// is kept in memory and written with a later one; the run can read any other error from failure().
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace charrnn {

class GrowingFile {
 public:
  static constexpr size_t kMostWaiting = size_t{16} << 20;  // bytes, in memory

  GrowingFile() = default;  // writes nothing
  // Continues at `bytes`, or after the last whole line before it. Text beyond that is first appended to the
  // file of the same name in the folder `discarded` next to it. Throws Error if either file cannot be
  // written.
  GrowingFile(const std::filesystem::path& path, uint64_t bytes);
  ~GrowingFile();
  GrowingFile(GrowingFile&& other) noexcept;
  GrowingFile& operator=(GrowingFile&& other) noexcept;

  void append(const std::string& text);
  // Tries again to write what is kept in memory.
  void flush();
  // The path still leads to the opened file.
  bool is_in_place() const;
  // If it does not, because the folder was deleted or renamed: writes the whole file again under its path.
  void restore();

  uint64_t bytes() const { return bytes_ + waiting_.size(); }
  size_t waiting_bytes() const { return waiting_.size(); }
  uint64_t lost_bytes() const { return lost_bytes_; }      // of texts beyond kMostWaiting
  const std::string& failure() const { return failure_; }  // empty, or the error that ended all writing
  const std::filesystem::path& path() const { return path_; }

 private:
  void open_at(uint64_t bytes);

  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t bytes_ = 0;  // in the file
  std::string waiting_;
  uint64_t lost_bytes_ = 0;
  std::string failure_;
};

}  // namespace charrnn
