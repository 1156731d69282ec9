// charrnn_bench scaling: `charrnn_bench model` on several ranks of one core each, beside one such rank. It
// starts mpirun for itself, again and again: one rank, all of them with as much work each (weak scaling), all
// of them with the same work in all (strong scaling), so that each ratio is of neighbours in time.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench.h"
#include "bench_options.h"
#include "bench_program.h"
#include "bench_report.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "command_line.h"

namespace {

using namespace charrnn;
using nlohmann::ordered_json;

// Parts of a step, by Trainer's names.
constexpr const char* kExchange = "exchange";
constexpr const char* kUpdate = "clip and update";

struct ScalingOptions : BenchOptions {
  BenchModel model;
  int64_t batch = 32;  // lanes of one rank alone
  int64_t length = 64;
  std::vector<int> ranks{1, 2};
  double seconds = 2;
};

enum class Work { kEachTheSame, kAllTogetherTheSame };

// So many ranks, and what each round of theirs said.
struct Case {
  int ranks;
  Work work;
  int64_t batch;  // of all ranks
  std::vector<ordered_json> rounds = {};

  std::vector<double> all(const char* field) const {
    std::vector<double> values;
    for (const ordered_json& round : rounds) values.push_back(round.at(field));
    return values;
  }
  std::vector<double> rates() const { return all("characters_per_second"); }
  double step_seconds() const { return median_of(all("step_seconds")); }
  // Of a part of the step.
  double seconds_of(const char* part) const {
    std::vector<double> values;
    for (const ordered_json& round : rounds) values.push_back(round.at("part_seconds").at(part));
    return median_of(values);
  }
};

std::vector<std::string> words_in(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

Program program_of(const ScalingOptions& options, const Case& c, const std::filesystem::path& scratch) {
  Program program{.words = words_in(concat("mpirun --map-by core --bind-to core -np ", c.ranks))};
  const auto add = [&](const std::vector<std::string>& words) {
    program.words.insert(program.words.end(), words.begin(), words.end());
  };
  add({std::filesystem::read_symlink("/proc/self/exe").string()});
  add(words_in(concat("model --json --device cpu --threads 1 --rounds 1 --seconds ", options.seconds,
                      " --batch ", c.batch, " --length ", options.length)));
  add(words_of(options.model));
  program.errors = scratch / "errors.txt";
  // What a rank that is killed leaves behind lies in the scratch folder, too.
  program.environment = {"TMPDIR=" + scratch.string()};
  if (geteuid() == 0) {  // mpirun asks root for both
    program.environment.insert(program.environment.end(),
                               {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"});
  }
  return program;
}

// Runs one round of a case in processes of its own, each rank bound to one core.
void measure(const ScalingOptions& options, const ScratchFolder& scratch, Case& result) {
  const Program program = program_of(options, result, scratch.path());
  std::string printed;
  try {
    printed = output_of(program);
    result.rounds.push_back(ordered_json::parse(printed));
  } catch (const std::exception& problem) {
    stop_when_asked();
    fail(problem.what(), "\n", printed, read_file(program.errors));
  }
  const int found = result.rounds.back().at("ranks");
  check(found == result.ranks, "expected ", result.ranks, " ranks of mpirun, found ", found,
        ": charrnn must be built with the same MPI");
}

std::vector<Case> cases_of(const ScalingOptions& options) {
  const int first = options.ranks.front();
  std::vector<Case> cases{{first, Work::kEachTheSame, options.batch * first}};
  for (auto ranks = options.ranks.begin() + 1; ranks != options.ranks.end(); ++ranks) {
    cases.push_back({*ranks, Work::kEachTheSame, options.batch * *ranks});
    cases.push_back({*ranks, Work::kAllTogetherTheSame, options.batch * first});
  }
  return cases;
}

// How many times the first case's rate, in each round.
std::vector<double> ratios(const Case& result, const Case& first) {
  std::vector<double> all = result.rates();
  const std::vector<double> firsts = first.rates();
  for (size_t i = 0; i < all.size(); ++i) all[i] /= firsts[i];
  return all;
}

BenchReport report_of(const std::vector<Case>& cases, const ScalingOptions& options) {
  BenchReport report{.right = true};
  const std::string model = concat(to_text(options.model), "; T ", options.length, ", 1 thread a rank");
  report.json = {
      {"model", model}, {"length", options.length}, {"parameters", cases[0].rounds[0]["parameters"]}};
  std::vector<std::vector<std::string>> rows{
      {"ranks", "work", "B", "characters/s", "min..max", "exchange %", "update %", "times one", "min..max"}};
  for (const Case& c : cases) {
    const char* work = c.work == Work::kEachTheSame ? "weak" : "strong";
    const std::vector<double> times = ratios(c, cases.front());
    report.json["cases"].push_back({{"ranks", c.ranks},
                                    {"work", work},
                                    {"batch", c.batch},
                                    {"characters_per_second", median_of(c.rates())},
                                    {"rates", c.rates()},
                                    {"step_seconds", c.step_seconds()},
                                    {"exchange_seconds", c.seconds_of(kExchange)},
                                    {"update_seconds", c.seconds_of(kUpdate)},
                                    {"ratio", median_of(times)},
                                    {"ratios", times}});
    const auto share = [&](const char* part) {
      return fixed(c.seconds_of(part) / c.step_seconds() * 100, 2);
    };
    rows.push_back({std::to_string(c.ranks), work, std::to_string(c.batch), fixed(median_of(c.rates()), 0),
                    spread_of(c.rates(), 0), share(kExchange), share(kUpdate), fixed(median_of(times), 3),
                    spread_of(times, 3)});
    for (const ordered_json& round : c.rounds) report.right = report.right && round.at("right") == true;
  }
  report.text =
      concat("model     ", model, "\n\n", table_of(rows),
             "\nweak: each rank has as many lanes as the one alone; strong: all have as many together;\n"
             "update: clipping and the optimizer\n");
  return report;
}

BenchReport bench_scaling(const ScalingOptions& options) {
  const ScratchFolder scratch;
  std::vector<Case> cases = cases_of(options);
  for (int round = 0; round < options.rounds; ++round) {
    for (Case& c : cases) measure(options, scratch, c);
    std::reverse(cases.begin() + 1, cases.end());  // whoever comes next to the one alone
  }
  std::sort(cases.begin() + 1, cases.end(), [](const Case& a, const Case& b) {
    return std::pair(a.ranks, a.work) < std::pair(b.ranks, b.work);
  });
  return report_of(cases, options);
}

}  // namespace

namespace charrnn {

BenchPart add_bench_scaling(CLI::App& app) {
  const auto options = std::make_shared<ScalingOptions>();
  CLI::App* scaling =
      app.add_subcommand("scaling", "ranks of one core each on this host, beside one; starts mpirun");
  const auto size = CLI::Range(1, 1048576);
  add_model(*scaling, options->model);
  scaling->add_option("--ranks", options->ranks, "how many; the first is what the others are compared with")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  scaling->add_option("--batch", options->batch, "B of one rank alone")->check(size)->capture_default_str();
  scaling->add_option("--length", options->length, "T")->check(size)->capture_default_str();
  scaling->add_option("--seconds", options->seconds, "of each round of a case")
      ->check(above(0))
      ->capture_default_str();
  add_rounds(*scaling, *options);
  add_json(*scaling, *options);
  return
      [options](const BenchHeader& header) { return print(header, bench_scaling(*options), options->json); };
}

}  // namespace charrnn
