// Numbers that were measured once a round, and how the reports of charrnn_bench show them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "charrnn/core/stop_token.h"

namespace charrnn {

// The token that the two below ask; for main.
void stop_by(StopToken token);
bool is_asked_to_stop();
// Throws Error (kStopped) if a stop is requested: then nothing was measured.
void stop_when_asked();

// Of at least one value.
double median_of(std::vector<double> values);

// "0.912..1.034": the least and the largest.
std::string spread_of(const std::vector<double>& values, int digits);

// text_table() with numbers, to the right, in all columns except the first and the last.
std::string table_of(const std::vector<std::vector<std::string>>& rows);

}  // namespace charrnn
