// What LibTorch queues a device's work on, for code that queues work there by itself.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// The current stream (a cudaStream_t) of this tensor's device; nullptr on the CPU, which has none.
void* current_stream(const at::Tensor& tensor);

}  // namespace charrnn
