// Memory for the large tensors of a training step, which are wanted again, in the same sizes, at the next
// step: fresh memory costs a page fault for every 4 KiB.
#pragma once

#include <ATen/ATen.h>

namespace charrnn {

// A tensor of floats on the CPU, not initialised. Its memory is kept for the next one of about its size when
// it is no longer in use. From any thread.
at::Tensor take_buffer(at::IntArrayRef sizes);

}  // namespace charrnn
