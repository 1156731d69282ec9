// The stream on which LibTorch queues a device's work, for code that queues its own work there.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// The current stream (a cudaStream_t) of this tensor's device; nullptr on the CPU, which has none.
void* current_stream(const at::Tensor& tensor);

}  // namespace charrnn
