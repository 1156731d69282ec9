// What charrnn throws becomes charrnn.Error, or its subclass for input that the caller can correct.
#include "charrnn/core/error.h"

#include <exception>
#include <new>

#include "bindings.h"
#include "charrnn/core/exception_reason.h"

namespace py = pybind11;

namespace charrnn::python {
namespace {

void raise(const char* name, const std::exception& problem) {
  const py::object type = py::module_::import("charrnn._errors").attr(name);
  py::set_error(type, exception_reason(problem).c_str());
}

void translate(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const py::builtin_exception&) {  // pybind11's own, and std::bad_alloc, are pybind11's to translate
    throw;
  } catch (const py::error_already_set&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const Error& problem) {
    raise(problem.kind() == ErrorKind::kInput ? "InputError" : "Error", problem);
  } catch (const std::exception& problem) {
    raise("Error", problem);
  }
}

}  // namespace

void bind_errors(py::module_&) {
  py::register_local_exception_translator(translate);
}

}  // namespace charrnn::python
