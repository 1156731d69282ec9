// Numbers measured once in each round, and their format in the reports of charrnn_bench.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "charrnn/core/stop_token.h"

namespace charrnn {

// Sets the token that the two functions below check; called by main.
void stop_by(StopToken token);
bool is_asked_to_stop();
// Throws Error (kStopped) if a stop was requested, which makes the measurement useless.
void stop_when_asked();

// The median of at least one value.
double median_of(std::vector<double> values);

// "0.912..1.034": the smallest and the largest value.
std::string spread_of(const std::vector<double>& values, int digits);

// text_table() with all columns except the first and the last aligned to the right, for numbers.
std::string table_of(const std::vector<std::vector<std::string>>& rows);

}  // namespace charrnn
