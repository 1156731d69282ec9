// The extension module. `import torch` comes first (python/charrnn/__init__.py): this module then uses the
// libraries of that torch.
#include "bindings.h"

PYBIND11_MODULE(_native, module) {
  module.doc() = "charrnn's C++ side; use the package charrnn";
  charrnn::python::bind_log(module);
  charrnn::python::bind_errors(module);
  charrnn::python::bind_vocabulary(module);
  charrnn::python::bind_corpus(module);
  charrnn::python::bind_lanes(module);
  charrnn::python::bind_model(module);
}
