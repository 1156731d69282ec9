// Parts of charrnn that are loaded at run time, because they need libraries that not every machine has. They
// are in the folder lib next to the tools' bin.
#pragma once

namespace charrnn {

// The address of `function` in `module` ("libcharrnn_nccl.so"), which stays loaded until the process ends,
// because threads of CUDA and NCCL may still run its code. Throws Error.
void* find_in_module(const char* module, const char* function);

template <class Function>
Function module_function(const char* module, const char* name) {
  return reinterpret_cast<Function>(find_in_module(module, name));
}

}  // namespace charrnn
