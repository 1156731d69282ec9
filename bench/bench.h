// The parts of charrnn_bench, each a subcommand. Each measures for several rounds and checks that the results
// of the measured work are correct; a wrong result ends with code 1.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace charrnn {

// What a part measured, for programs (`json`) and for people (`text`).
struct BenchReport {
  nlohmann::ordered_json json = {};
  std::string text = {};
  bool right = false;
};

// Hardware, build and command: the first lines of the output.
using BenchHeader = nlohmann::ordered_json;

// Prints `header` and `report`, as lines or as one line of JSON; returns the exit code.
int print(BenchHeader header, const BenchReport& report, bool as_json);

// Adds the subcommand, and returns a function that runs it and returns the exit code.
using BenchPart = std::function<int(const BenchHeader&)>;
BenchPart add_bench_comm(CLI::App& app);
BenchPart add_bench_data(CLI::App& app);
BenchPart add_bench_model(CLI::App& app);
BenchPart add_bench_sample(CLI::App& app);

}  // namespace charrnn
