// Numbers that were measured once a round, and how the reports of charrnn_bench show them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace charrnn {

// Throws Error after a signal: then nothing was measured.
void stop_when_asked();

// Of at least one value.
double median_of(std::vector<double> values);

// "0.912..1.034": the least and the largest.
std::string spread_of(const std::vector<double>& values, int digits);

std::string with_digits(double value, int digits);

// Columns as wide as their longest cell, two blanks between them. All but the first and last columns are
// numbers and stand to the right. Each row has as many cells as the first, which is the head.
std::string table_of(const std::vector<std::vector<std::string>>& rows);

}  // namespace charrnn
