// The parts of the extension module `charrnn._native`, one file each. Python code above it (python/charrnn)
// checks arguments and has the documentation; what is here converts values and calls charrnn.
#pragma once

#include <pybind11/pybind11.h>

namespace charrnn::python {

void bind_log(pybind11::module_& module);
void bind_errors(pybind11::module_& module);
void bind_vocabulary(pybind11::module_& module);
void bind_corpus(pybind11::module_& module);
void bind_lanes(pybind11::module_& module);
void bind_model(pybind11::module_& module);

}  // namespace charrnn::python
