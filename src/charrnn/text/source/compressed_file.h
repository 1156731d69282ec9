// A file compressed with Zstandard, which ByteSource reads: a copy of a stream that can be read only once.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

namespace charrnn {

class CompressedFile {
 public:
  explicit CompressedFile(std::filesystem::path file);
  ~CompressedFile();

  void write(std::span<const char> bytes);
  void finish();

 private:
  struct State;
  std::filesystem::path file_;
  std::unique_ptr<State> state_;
};

}  // namespace charrnn
