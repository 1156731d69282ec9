// charrnn_bench WHAT: measures a part of charrnn and checks that its results are correct. Times are only
// reported; a wrong result ends with code 1.
#include "bench.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "charrnn/core/stop_signal.h"
#include "charrnn/core/tool_main.h"
#include "charrnn/core/version.h"
#include "charrnn/corpus/describe.h"
#include "command_line.h"
#include "report.h"

namespace charrnn {

int print(BenchHeader header, const BenchReport& report, bool as_json) {
  if (as_json) {
    header.update(report.json);
    header["right"] = report.right;
    std::puts(json_line(header).c_str());
  } else {
    for (const auto& [name, value] : header.items()) {
      std::printf("%-9s %s\n", name.c_str(), value.get<std::string>().c_str());
    }
    std::printf("\n%s", report.text.c_str());
  }
  return report.right ? 0 : 1;
}

namespace {

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
  double load = 0;  // from other programs, which disturb the measurement
  getloadavg(&load, 1);
  return {{"hardware", concat(cpu_model(), ", ", std::thread::hardware_concurrency(), " cores, load ",
                              std::round(load * 10) / 10)},
          {"build", concat(version(), " (", commit(), ")")},
          {"command", command}};
}

int run_command(int argc, char** argv) {
  CLI::App app("Measures the speed of parts of charrnn, and checks that their results are correct.",
               "charrnn_bench");
  add_version(app);
  app.require_subcommand(1);
  const std::map<std::string, BenchPart> parts{{"comm", add_bench_comm(app)},
                                               {"data", add_bench_data(app)},
                                               {"model", add_bench_model(app)},
                                               {"sample", add_bench_sample(app)}};
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  stop_by(install_stop_handlers());
  return run_tool([&] {
    if (mistake) throw *mistake;
    return parts.at(app.get_subcommands().front()->get_name())(header(argc, argv));
  });
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_command(argc, argv);
}
