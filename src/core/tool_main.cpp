#include "core/tool_main.h"

#include <exception>

#include "core/error.h"
#include "core/log.h"

namespace charrnn {

int run_tool(const std::function<int()>& tool) {
  try {
    return tool();
  } catch (const Error& e) {
    log::error(e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    log::error(e.what());
    return static_cast<int>(ExitCode::kError);
  }
}

}  // namespace charrnn
