#include "charrnn/core/tool_main.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>

#include "charrnn/core/error.h"
#include "charrnn/core/exception_reason.h"
#include "charrnn/core/exit_code.h"
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

int run_tool(const std::function<int()>& tool) {
  open_standard_streams();
  try {
    const int code = tool();
    check_output();
    return code;
  } catch (const std::exception& problem) {
    log::error(exception_reason(problem));
    return static_cast<int>(exit_code_of(error_kind_of(problem)));
  }
}

}  // namespace charrnn
