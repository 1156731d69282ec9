// Messages to people, on standard error (standard output belongs to results). Each carries its level and,
// with more than one rank, the rank. Only rank 0 speaks for all: info() from other ranks is dropped, warnings
// and errors are not. spdlog is only included in log.cpp, for it does not compile together with LibTorch's
// own copy of fmt.
#pragma once

#include <functional>
#include <string>

namespace charrnn::log {

enum class Level { kInfo, kWarning, kError };
using Output = std::function<void(Level level, const std::string& message)>;

// Takes the messages from now on, in place of standard error; an empty one gives them back. Called by one
// thread at a time, and must not log itself. A program that uses charrnn as a library sets it before it calls
// anything else.
void set_output(Output output);

// Before this is called a process speaks as rank 0 of 1.
void set_rank(int rank, int world_size);

void info(const std::string& message);
void warning(const std::string& message);
void error(const std::string& message);

}  // namespace charrnn::log
