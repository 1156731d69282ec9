// The CPU's kernels as kernels of the device for tests.
#pragma once

#include <ATen/core/boxing/KernelFunction.h>
#include <torch/library.h>

namespace charrnn::test_backend {

// Counts every operator that has no own kernel, and runs the CPU's kernel on the device's memory.
void run_on_cpu(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack);

// Memory, views, copies and items, which the CPU's kernels cannot handle.
void register_own_kernels(torch::Library& aten);

// at::_cudnn_rnn and related operators, and at::lstm, at::gru, ... by means of them.
void register_cudnn(torch::Library& aten, torch::Library& autograd);

}  // namespace charrnn::test_backend
