// charrnn_bench WHAT: measures a part of charrnn and checks that what it measured had the right result. Times
// are only measured; a wrong result ends with code 1.
#include "bench.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "command_line.h"
#include "core/stop_signal.h"
#include "core/tool_main.h"
#include "core/version.h"

namespace charrnn {

void print_header(const BenchHeader& header) {
  for (const auto& [name, value] : header.items()) {
    std::printf("%-9s %s\n", name.c_str(), value.get<std::string>().c_str());
  }
}

void stop_when_asked() {
  const int signal = stop_signal();
  if (signal != 0) throw Error(concat("stopped by ", signal_name(signal), ", nothing measured"));
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace charrnn

namespace {

using namespace charrnn;

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.find(':') + 2, line.size()));
  }
  return "unknown";
}

BenchHeader header(int argc, char** argv) {
  std::string command;
  for (int i = 0; i < argc; ++i) command += (i == 0 ? "" : " ") + std::string(argv[i]);
  double load = 0;  // that of others: what is measured beside them says little
  getloadavg(&load, 1);
  return {{"hardware", concat(cpu_model(), ", ", std::thread::hardware_concurrency(), " cores, load ",
                              std::round(load * 10) / 10)},
          {"build", concat(version(), " (", commit(), ")")},
          {"command", command}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures parts of charrnn, and checks that what it measured is right.", "charrnn_bench");
  add_version(app);
  app.require_subcommand(1);
  const auto bench_data = add_bench_data(app);
  const auto bench_sample = add_bench_sample(app);
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  return run_tool([&] {
    if (mistake) throw *mistake;
    return (app.got_subcommand("data") ? bench_data : bench_sample)(header(argc, argv));
  });
}
