// charrnn_bench comm: sums over the ranks, as for gradients, from 1 KiB to 64 MiB, in each type in which
// gradients can be sent. For use under mpirun; alone it is a group of one, which has nothing to add.
#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench.h"
#include "charrnn/comm/agreement.h"
#include "charrnn/comm/session.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/number_text.h"
#include "charrnn/train/compute.h"
#include "charrnn/train/tensor_exchange.h"
#include "command_line.h"
#include "options.h"
#include "report.h"

namespace charrnn {
namespace {

using nlohmann::ordered_json;

constexpr double kRoundSeconds = 0.05;  // of one size and type
constexpr double kMicro = 1e-6;
constexpr double kMega = 1e6;

struct CommOptions : BenchOptions {
  int64_t least_bytes = 1 << 10;
  int64_t most_bytes = 64 << 20;
  DeviceName device = DeviceName::kAuto;
  CommSettings comm;
};

struct Case {
  GradientType type;
  int64_t bytes;
  std::vector<double> seconds = {};  // of one sum, one for each round
  int64_t wrong = 0;                 // elements, on all ranks
  // Bytes of the buffer per second, however often the backend sends each of them.
  double bandwidth() const { return static_cast<double>(bytes) / median_of(seconds); }
};

at::ScalarType scalar_type(GradientType type) {
  return type == GradientType::kFp32 ? at::kFloat : type == GradientType::kBf16 ? at::kBFloat16 : at::kHalf;
}

void sum_over_ranks(Communicator& comm, const at::Tensor& values) {
  void* const stream = current_stream(values);
  if (values.scalar_type() == at::kFloat) {
    comm.start_sum(elements(values), stream);
  } else {
    comm.start_sum(
        HalfSpan{{static_cast<uint16_t*>(values.mutable_data_ptr()), static_cast<size_t>(values.numel())},
                 values.scalar_type() == at::kBFloat16 ? HalfSpan::Type::kBf16 : HalfSpan::Type::kFp16},
        stream);
  }
  comm.finish_sums(stream);
  comm.wait(stream);
}

// Rank r contributes 2^(r mod 8), negative at every second place, so that a wrong sum shows a missing rank or
// a misplaced element. Returns the number of wrong elements. With up to 8 ranks the sum is exact even in
// bf16.
int64_t wrong_elements(Communicator& comm, const at::Tensor& values) {
  double expected = 0;
  for (int rank = 0; rank < comm.size(); ++rank) expected += std::ldexp(1.0, rank % 8);
  const double half_unit = values.scalar_type() == at::kBFloat16 ? 0x1p-9 : 0x1p-12;
  const bool is_exact = comm.size() <= 8 || values.scalar_type() == at::kFloat;
  const double tolerance = is_exact ? 0 : expected * half_unit * comm.size();
  values.fill_(std::ldexp(1.0, comm.rank() % 8));
  values.slice(0, 1, std::nullopt, 2).neg_();
  sum_over_ranks(comm, values);
  at::Tensor found = values.to(at::kFloat);
  found.slice(0, 1, std::nullopt, 2).neg_();
  const auto right = (found - expected).abs().le(tolerance).sum().item<int64_t>();
  std::array<double, 1> wrong{static_cast<double>(values.numel() - right)};
  comm.all_reduce_sum(wrong);
  return static_cast<int64_t>(wrong[0]);
}

double time_sums(Communicator& comm, const at::Tensor& values, int64_t count) {
  comm.barrier();
  const Clock::time_point start = Clock::now();
  for (int64_t i = 0; i < count; ++i) sum_over_ranks(comm, values);
  return seconds_since(start) / static_cast<double>(count);
}

void measure(Communicator& comm, at::Device device, int rounds, Case& result) {
  const at::ScalarType type = scalar_type(result.type);
  const auto count = result.bytes / static_cast<int64_t>(c10::elementSize(type));
  at::Tensor values = at::empty({count}, at::TensorOptions().dtype(type).device(device));
  result.wrong = wrong_elements(comm, values);
  values.zero_();  // repeated sums must not overflow
  std::array<int64_t, 1> times{std::llround(kRoundSeconds / time_sums(comm, values, 3)) + 1};
  comm.all_reduce_max(times);
  for (int round = 0; round < rounds; ++round) {
    stop_when_asked();
    result.seconds.push_back(time_sums(comm, values, times[0]));
  }
}

BenchReport report_of(const std::vector<Case>& cases, const Communicator& comm) {
  BenchReport report{.right = true};
  report.json = {{"ranks", comm.size()}, {"backend", comm.backend()}};
  std::vector<std::vector<std::string>> rows{{"type", "KiB", "us", "min..max", "MB/s", "sum"}};
  const auto in_micros = [](std::vector<double> seconds) {
    for (double& value : seconds) value /= kMicro;
    return seconds;
  };
  for (const Case& c : cases) {
    report.right = report.right && c.wrong == 0;
    report.json["cases"].push_back({{"type", enum_name(c.type)},
                                    {"bytes", c.bytes},
                                    {"seconds", median_of(c.seconds)},
                                    {"rounds", c.seconds},
                                    {"bytes_per_second", c.bandwidth()},
                                    {"wrong", c.wrong}});
    rows.push_back({std::string(enum_name(c.type)), std::to_string(c.bytes >> 10),
                    fixed(median_of(c.seconds) / kMicro, 1), spread_of(in_micros(c.seconds), 1),
                    fixed(c.bandwidth() / kMega, 0),
                    c.wrong == 0 ? "right" : concat("WRONG: ", c.wrong, " elements")});
  }
  const char* lonely = comm.size() == 1 ? ": nothing to add; start it with mpirun" : "";
  report.text = concat("ranks     ", comm.size(), ", ", comm.backend(), lonely, "\n\n", table_of(rows));
  return report;
}

ExitCode bench_comm(const CommOptions& options, const BenchHeader& header, Session& session) {
  Communicator& comm = session.connect(options.comm, options.device, "");
  const at::Device device = prepare_compute(session, std::nullopt);
  std::vector<Case> cases;
  for (const GradientType type : {GradientType::kFp32, GradientType::kBf16, GradientType::kFp16}) {
    for (int64_t bytes = options.least_bytes; bytes <= options.most_bytes; bytes *= 4) {
      cases.push_back({type, bytes});
      measure(comm, device, options.rounds, cases.back());
    }
  }
  const BenchReport report = report_of(cases, comm);
  if (comm.rank() == 0) return static_cast<ExitCode>(print(header, report, options.json));
  return report.right ? ExitCode::kFinished : ExitCode::kError;
}

}  // namespace

BenchPart add_bench_comm(CLI::App& app) {
  const auto options = std::make_shared<CommOptions>();
  CLI::App* comm = app.add_subcommand("comm", "sums over the ranks, 1 KiB to 64 MiB; start it with mpirun");
  const auto bytes = CLI::Range(4, 1 << 30);
  comm->add_option("--least", options->least_bytes,
                   "size of the smallest sum, in bytes; each following one is four times as large")
      ->check(bytes)
      ->capture_default_str();
  comm->add_option("--most", options->most_bytes, "size of the largest sum, in bytes")
      ->check(bytes)
      ->capture_default_str();
  add_enum(*comm, "--device", options->device, "device to compute on; auto: a GPU if one is found");
  add_rounds(*comm, *options);
  add_json(*comm, *options);
  return [options](const BenchHeader& header) {
    return run_ranks([&](Session& session) { return bench_comm(*options, header, session); });
  };
}

}  // namespace charrnn
