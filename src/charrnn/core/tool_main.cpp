#include "charrnn/core/tool_main.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <new>

#include "charrnn/core/error.h"
#include "charrnn/core/log.h"

namespace charrnn {

void open_standard_streams() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one.
    [[maybe_unused]] const int opened = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void check_output() {
  check(std::fflush(stdout) == 0 && std::ferror(stdout) == 0,
        "standard output could not be written: its disk may be full, or its reader gone");
}

std::string reason_of(const std::exception& problem) {
  std::string text = problem.what();
  // LibTorch's errors have a stack of frames after them.
  for (const char* const rest : {"\nException raised from", "\nframe #"})
    text = text.substr(0, text.find(rest));
  const bool is_memory = dynamic_cast<const std::bad_alloc*>(&problem) != nullptr ||
                         text.find("not enough memory") != std::string::npos ||
                         text.find("can't allocate memory") != std::string::npos ||
                         text.find("out of memory") != std::string::npos;
  if (!is_memory) return text;
  return concat("out of memory (", text,
                "): charrnn_train --dry-run prints what a run needs; a smaller train.batch_size, "
                "train.sequence_length or model, or a larger train.accumulate, need less");
}

int run_tool(const std::function<int()>& tool) {
  open_standard_streams();
  try {
    const int code = tool();
    check_output();
    return code;
  } catch (const Error& e) {
    log::error(e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    log::error(reason_of(e));
    return static_cast<int>(ExitCode::kError);
  }
}

}  // namespace charrnn
