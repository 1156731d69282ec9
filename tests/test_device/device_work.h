// What the device for tests has been given to do: counts, and copies that the host has not waited for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "test_device/test_device.h"

namespace charrnn::test_backend {

void count_operation(const std::string& name);
void count_copy(bool to_device, bool is_pinned);

// `finish` is called when the host waits for what was given to the device until now.
void finish_later(std::function<void()> finish);

// The place in the device's order of what comes next.
int64_t position();

// The host waits for all that comes before `position`, or for everything.
void synchronize(const std::string& name, int64_t position);
void synchronize(const std::string& name);
// The same, but it was found done without waiting.
void finish_until(int64_t position);

DeviceCounts counts_now();
void reset();

}  // namespace charrnn::test_backend
