// The CPU's kernels as kernels of the device for tests.
#pragma once

#include <ATen/core/boxing/KernelFunction.h>
#include <torch/library.h>

namespace charrnn::test_backend {

// Every operator without its own kernel: counts it, and runs the CPU's kernel on the device's memory.
void run_on_cpu(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack);

// Memory, views, copies and items: what the CPU's kernels cannot do.
void register_own_kernels(torch::Library& aten);

// at::_cudnn_rnn and its like, and at::lstm, at::gru, ... by them.
void register_cudnn(torch::Library& aten, torch::Library& autograd);

}  // namespace charrnn::test_backend
