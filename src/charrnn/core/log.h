// Messages to people, on standard error (standard output belongs to results). Each carries its level and,
// with more than one rank, the rank. Only rank 0 speaks for all: info() from other ranks is dropped, warnings
// and errors are not. spdlog is only included in log.cpp, for it does not compile together with LibTorch's
// own copy of fmt.
#pragma once

#include <string>

namespace charrnn::log {

// Before this is called a process speaks as rank 0 of 1.
void set_rank(int rank, int world_size);

void info(const std::string& message);
void warning(const std::string& message);
void error(const std::string& message);

}  // namespace charrnn::log
