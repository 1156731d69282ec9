// The parts of charrnn_bench, a subcommand each.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

namespace charrnn {

// What ran where: the beginning of each report.
using BenchHeader = nlohmann::ordered_json;

// Adds the subcommand; what is given back runs it and gives the exit code.
std::function<int(const BenchHeader&)> add_bench_data(CLI::App& app);
std::function<int(const BenchHeader&)> add_bench_sample(CLI::App& app);

void print_header(const BenchHeader& header);

// Throws Error after a signal.
void stop_when_asked();

// Of at least one value.
double median_of(std::vector<double> values);

}  // namespace charrnn
