#include "charrnn/core/module.h"

#include <dlfcn.h>

#include "charrnn/core/error.h"

namespace charrnn {

void* find_in_module(const char* module, const char* function) {
  void* const library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    fail("expected ", module, " in the folder lib next to the tool's bin, found: ",
         reason != nullptr ? reason : "an unknown error", ". Build or install charrnn again");
  }
  void* const address = dlsym(library, function);
  check(address != nullptr, "expected ", function, " in ", module,
        ", which lacks it: the file belongs to another version of charrnn; build or install again");
  return address;
}

}  // namespace charrnn
