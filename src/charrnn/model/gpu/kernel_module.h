// The interface between charrnn and its module of GPU kernels, which is loaded at run time and linked only
// with the CUDA runtime. Both are built together; charrnn looks up the functions by name.
#pragma once

#include <string>

#include "charrnn/model/gpu/gpu_kernels.h"

namespace charrnn {

inline constexpr const char* kKernelModule = "libcharrnn_cuda.so";
inline constexpr const char* kCompileKernels = "charrnn_compile_kernels";
inline constexpr const char* kKernelsMissing = "charrnn_kernels_missing";
inline constexpr const char* kLaunchDropout = "charrnn_launch_dropout";

// Compiles for an architecture such as 90 (compute capability 9.0) and returns the size of the code in bytes.
// For tests: it needs NVRTC but no GPU. Throws Error.
using CompileKernelsFunction = size_t (*)(int architecture);
using KernelsMissingFunction = void (*)(int device, std::string* reason);
using LaunchDropoutFunction = void (*)(const DropoutLaunch*, int device, void* stream);  // throws Error

}  // namespace charrnn
