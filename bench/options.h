// Options shared by several parts of charrnn_bench.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "charrnn/config/settings.h"

namespace charrnn {

struct BenchOptions {
  int rounds = 5;
  int threads = 0;  // 0: one for each core that this process can use
  bool json = false;
};

void add_rounds(CLI::App& app, BenchOptions& options);
void add_threads(CLI::App& app, BenchOptions& options);
void add_json(CLI::App& app, BenchOptions& options);

// The number of threads that `options.threads` means in a single process.
int threads_of(const BenchOptions& options);

// The shape of a model (--hidden and others), and V.
struct BenchModel {
  ModelSettings settings;
  int64_t vocabulary = 96;
};
void add_model(CLI::App& app, BenchModel& model);
std::string to_text(const BenchModel& model);  // "lstm, E 128, H 512, 1 layer, V 96"

// Adds an option whose values are the names of an enumeration in config files.
template <class Enum>
CLI::Option* add_enum(CLI::App& app, const std::string& name, Enum& value, const std::string& help) {
  const auto names = names_of(Enum{});
  return app
      .add_option_function<std::string>(
          name, [&value](const std::string& text) { value = enum_value<Enum>(text).value(); }, help)
      ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())))
      ->default_str(std::string(enum_name(value)));
}

}  // namespace charrnn
