// Messages go to Python's logger "charrnn", which prints warnings on standard error unless a program chooses
// otherwise.
#include "charrnn/core/log.h"

#include "bindings.h"

namespace py = pybind11;

namespace charrnn::python {
namespace {

void to_logger(log::Level level, const std::string& message) {
  if (Py_IsInitialized() == 0) return;
  const py::gil_scoped_acquire gil;
  const char* const method = level == log::Level::kInfo      ? "info"
                             : level == log::Level::kWarning ? "warning"
                                                             : "error";
  try {
    py::module_::import("logging").attr("getLogger")("charrnn").attr(method)("%s", message);
  } catch (py::error_already_set& problem) {
    problem.discard_as_unraisable("charrnn's log");
  }
}

}  // namespace

void bind_log(py::module_&) {
  log::set_output(to_logger);
}

}  // namespace charrnn::python
