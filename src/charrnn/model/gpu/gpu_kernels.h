// charrnn's own kernels for NVIDIA GPUs, as the rest of charrnn sees them. They are text (dropout.cu) that
// NVRTC, which comes with LibTorch, compiles at run time for the GPU at hand; the module libcharrnn_cuda.so
// (kernel_module.h) does that, and is loaded when a GPU first needs it. The build chooses the file that
// defines these functions: kernel_loader.cpp, or kernels_absent.cpp with -DCHARRNN_CUDA=OFF.
#pragma once

#include <cstdint>
#include <string>

namespace charrnn {

// Why the kernels cannot run on GPU `device` (its number among those the process sees); empty if they can.
// The first call for a GPU compiles them: some tenths of a second. From any thread.
std::string kernels_missing(int device);

// `output` = `input` with some units zeroed and the others scaled, in memory that is (rows, units) and dense;
// a row is a lane's units at a position. See model/dropout.h for the mask.
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

// Queues it on `stream` (a cudaStream_t) of the current device, for which kernels_missing was empty. Throws
// Error.
void launch_dropout(const DropoutLaunch& launch, int device, void* stream);

}  // namespace charrnn
