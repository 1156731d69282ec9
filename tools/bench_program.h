// Other programs, run to their end.
#pragma once

#include <sys/resource.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace charrnn {

// A folder for what is large and of no use later.
class ScratchFolder {
 public:
  // Throws Error where it cannot be made.
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  void close();

 private:
  int number_;
};

// Seconds, of the clock on the wall, and of all cores together, which other programs disturb less.
struct Times {
  double wall = 0;
  double cores = 0;
};

double core_seconds(const rusage& used);

// {"wc", "-m", "text"} -> "wc -m text"
std::string joined(const std::vector<std::string>& words);

struct Program {
  std::vector<std::string> words;
  std::vector<std::string> environment = {};  // "NAME=value", in place of this process's
  std::filesystem::path errors = {};  // a file for what it says of errors; empty: where this process says it
};

// Runs a program to its end. `take`, where there is one, gets its output; else that goes to /dev/null. Throws
// Error where it cannot be started, or ends with another code than 0, and after a signal to this process.
Times run_program(const Program& program, const std::function<void(std::string_view)>& take = {});
std::string output_of(const Program& program);

}  // namespace charrnn
