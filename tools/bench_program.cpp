#include "bench_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "bench_report.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

// Pointers to the words, as the system's calls want them.
std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_with(const std::vector<std::string>& own) {
  std::vector<std::string> all = own;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string name(*variable, std::strcspn(*variable, "=") + 1);  // with its "="
    const auto is_it = [&](const std::string& given) { return given.starts_with(name); };
    if (std::none_of(own.begin(), own.end(), is_it)) all.emplace_back(*variable);
  }
  return all;
}

// What becomes of the program's input, output and errors; OUTPUT is the end of a pipe, or -1.
class Streams {
 public:
  Streams(int output, const fs::path& errors) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (output >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    } else {
      posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    }
    if (!errors.empty()) {
      posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                       S_IRUSR | S_IWUSR);
    }
  }
  ~Streams() { posix_spawn_file_actions_destroy(&actions_); }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string pattern = (fs::temp_directory_path() / "charrnn-bench-XXXXXX").string();
  check(mkdtemp(pattern.data()) != nullptr, "expected to make a folder such as ", pattern,
        ", found: ", std::strerror(errno), ": set TMPDIR to a folder with room");
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void Descriptor::close() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

double core_seconds(const rusage& used) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

Times run_program(const Program& program, const std::function<void(std::string_view)>& take) {
  std::array<int, 2> pipe_ends{-1, -1};
  if (take) check(pipe2(pipe_ends.data(), O_CLOEXEC) == 0, "could not make a pipe: ", std::strerror(errno));
  Descriptor from(pipe_ends[0]);
  Descriptor to(pipe_ends[1]);
  const Streams streams(to.number(), program.errors);
  std::vector<std::string> words = program.words;
  std::vector<std::string> environment = environment_with(program.environment);
  const std::string line = joined(words);
  pid_t child = 0;
  const Clock::time_point start = Clock::now();
  const int failed = posix_spawnp(&child, words[0].c_str(), streams.get(), nullptr, pointers(words).data(),
                                  pointers(environment).data());
  if (failed != 0) fail("could not run ", line, ": ", std::strerror(failed));
  to.close();
  if (take) {
    std::string bytes(size_t{1} << 20, '\0');
    for (ssize_t count = 0; (count = read(from.number(), bytes.data(), bytes.size())) != 0;) {
      if (count > 0) take(std::string_view(bytes).substr(0, static_cast<size_t>(count)));
      if (count < 0 && errno != EINTR) break;
    }
  }
  int status = 0;
  rusage used{};
  while (wait4(child, &status, 0, &used) < 0 && errno == EINTR) {
  }
  const Times times{.wall = seconds_since(start), .cores = core_seconds(used)};
  stop_when_asked();
  check(status == 0, "expected ", line, " to end with 0, found ", WIFEXITED(status) ? "code " : "signal ",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  return times;
}

std::string output_of(const Program& program) {
  std::string text;
  run_program(program, [&](std::string_view bytes) { text += bytes; });
  return text;
}

}  // namespace charrnn
