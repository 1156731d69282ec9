// Messages for people, on standard error (standard output is for results). Each has its level and, with more
// than one rank, the rank. info() prints only on rank 0, warnings and errors print on every rank. spdlog is
// only included in log.cpp, because it does not compile together with LibTorch's own copy of fmt.
#pragma once

#include <functional>
#include <string>

namespace charrnn::log {

enum class Level { kInfo, kWarning, kError };
using Output = std::function<void(Level level, const std::string& message)>;

// Receives all messages from now on, instead of standard error; an empty function restores standard error. It
// is called by one thread at a time, and must not log itself. A program that uses charrnn as a library sets
// it before it calls anything else.
void set_output(Output output);

// Until this is called, the process counts as rank 0 of 1.
void set_rank(int rank, int world_size);

void info(const std::string& message);
void warning(const std::string& message);
void error(const std::string& message);

}  // namespace charrnn::log
