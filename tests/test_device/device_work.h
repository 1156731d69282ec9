// The work of the device for tests: counts, and copies that the host has not waited for yet.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "test_device/test_device.h"

namespace charrnn::test_backend {

void count_operation(const std::string& name);
void count_copy(bool to_device, bool is_pinned);

// `finish` is called when the host waits for the work that the device has up to now.
void finish_later(std::function<void()> finish);

// The position of the next piece of work in the device's order.
int64_t position();

// The host waits for all work before `position`, or for everything.
void synchronize(const std::string& name, int64_t position);
void synchronize(const std::string& name);
// The same, but the work was already done, so the host did not wait.
void finish_until(int64_t position);

DeviceCounts counts_now();
void reset();

}  // namespace charrnn::test_backend
