// The memory of the device for tests: each allocation is a range of addresses without access rights, which
// tensors use, and a second range of the same size, which only kernels and copies use.
#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>

#include "test_device/test_device.h"

namespace charrnn::test_backend {

c10::Allocator* device_allocator();
c10::Allocator* pinned_allocator();

// The address for kernels of the memory at `address`. Throws c10::Error unless [address, address + bytes) is
// within one live allocation.
std::byte* kernel_address(const void* address, size_t bytes);

bool is_device_address(const void* address);
bool is_pinned_address(const void* address);

DeviceMemory memory_in_use();
void reset_peak();
void release_cached();

}  // namespace charrnn::test_backend
