#include "core/tool_main.h"

#include <cstdio>

#include "core/error.h"
#include "core/log.h"

namespace charrnn {

void check_output() {
  check(std::fflush(stdout) == 0 && std::ferror(stdout) == 0,
        "standard output could not be written: its disk may be full, or its reader gone");
}

std::string reason_of(const std::exception& problem) {
  const std::string text = problem.what();
  return text.substr(0, text.find("\nException raised from"));
}

int run_tool(const std::function<int()>& tool) {
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
