// The interface of charrnn's own kernels for NVIDIA GPUs. NVRTC, which comes with LibTorch, compiles their
// source (dropout.cu) at run time for the GPU in use; the module libcharrnn_cuda.so (kernel_module.h), which
// is loaded when a GPU first needs a kernel, calls it. The build chooses the file that defines these
// functions: kernel_loader.cpp, or kernels_absent.cpp with -DCHARRNN_CUDA=OFF.
#pragma once

#include <cstdint>
#include <string>

namespace charrnn {

// Why the kernels cannot run on GPU `device` (its number among those that the process sees); empty if they
// can. The first call for a GPU compiles them, which takes a few tenths of a second. Thread-safe.
std::string kernels_missing(int device);

// `output` is `input` with some units zeroed and the others scaled; both are (rows, units) and dense. A row
// is the units of a lane at a position. See model/dropout.h for the mask.
struct DropoutLaunch {
  enum class Type { kFp32, kBf16, kFp16 };
  Type type = Type::kFp32;
  const void* input = nullptr;
  void* output = nullptr;
  uint32_t rows = 0;
  uint32_t units = 0;
  uint32_t inner_rows = 0;     // of memory (T, B, H): B lanes; of (B, T, H): T steps
  bool is_time_major = false;  // (T, B, H)
  uint32_t first_lane = 0;
  uint32_t layer_key = 0;
  uint32_t threshold = 0;  // hashes below it are dropped
  float scale = 1;
};

// Queues the kernel on `stream` (a cudaStream_t) of the current device, for which kernels_missing must be
// empty. Throws Error.
void launch_dropout(const DropoutLaunch& launch, int device, void* stream);

}  // namespace charrnn
