#include "bench_training.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "bench_report.h"
#include "checkpoint/safetensors.h"
#include "core/clock.h"
#include "core/error.h"
#include "train/trainer.h"

namespace charrnn {
namespace {

constexpr int64_t kWarmUpSteps = 3;  // the first ones allocate
constexpr int64_t kSgemmSize = 2048;
constexpr double kSgemmShare = 0.1;  // of a round's time, beside it

Settings settings_of(const TrainingBench& options) {
  Settings settings;
  settings.model = options.model.settings;
  settings.train.batch_size = options.batch;
  settings.train.sequence_length = options.length;
  settings.train.random_offset = false;
  settings.train.optimizer = options.optimizer;
  settings.train.clip_norm = options.clip_norm;
  settings.comm = options.comm;
  return settings;
}

// The largest this process has been. (getrusage's value would begin with that of whoever started it.)
double peak_memory_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    double kibibytes = 0;
    if (word == "VmHWM:" && in >> kibibytes) return kibibytes * 1024;
  }
  fail("expected a line VmHWM in /proc/self/status, found none: is /proc mounted?");
}

// FLOP a second.
double sgemm_rate(at::Device device, double seconds) {
  const c10::AutoGradMode no_grad(false);
  const at::Tensor a = at::rand({kSgemmSize, kSgemmSize}, device);
  const at::Tensor b = at::rand({kSgemmSize, kSgemmSize}, device);
  at::Tensor product = at::mm(a, b);
  const auto wait = [&] { product[0][0].item<float>(); };
  wait();
  const Clock::time_point start = Clock::now();
  int count = 0;
  for (; count == 0 || seconds_since(start) < seconds; ++count) {
    at::mm_out(product, a, b);
    wait();
  }
  return 2 * std::pow(static_cast<double>(kSgemmSize), 3) * count / seconds_since(start);
}

double sum_over_ranks(Communicator& comm, double value) {
  std::array<double, 1> sum{value};
  comm.all_reduce_sum(sum);
  return sum[0];
}

int64_t max_over_ranks(Communicator& comm, int64_t value) {
  std::array<int64_t, 1> most{value};
  comm.all_reduce_max(most);
  return most[0];
}

// Of the next COUNT steps.
std::vector<double> losses_of(Trainer& trainer, int64_t count) {
  std::vector<double> losses;
  for (int64_t i = 0; i < count; ++i) {
    stop_when_asked();
    Progressed& progress = trainer.progress();
    progress.window_loss_sum = progress.window_count = 0;
    trainer.step();
    trainer.settle();
    losses.push_back(progress.window_loss_sum / progress.window_count);
  }
  return losses;
}

// Seconds that COUNT steps take all ranks.
double time_steps(Trainer& trainer, Communicator& comm, int64_t count) {
  comm.barrier();
  const Clock::time_point start = Clock::now();
  for (int64_t i = 0; i < count; ++i) {
    stop_when_asked();
    trainer.step();
  }
  trainer.settle();
  comm.barrier();
  return seconds_since(start);
}

std::vector<double> reference_losses(const TrainingBench& options, const SplitInfo& split, at::Device device,
                                     Communicator& comm) {
  Settings settings = settings_of(options);
  settings.model.kernel = Kernel::kReference;
  CharRnn model(settings.model, options.model.vocabulary, at::kFloat, device);
  model.initialize(static_cast<uint64_t>(settings.run.seed));
  Trainer trainer(settings, 1, model, comm, split);
  return losses_of(trainer, std::min(options.check, options.losses));
}

void write_start(const std::filesystem::path& folder, const CharRnn& model) {
  SafetensorsFile start;
  for (const Parameters::Parameter& parameter : model.parameters().list()) {
    start.tensors[parameter.name] = parameter.value.detach().to(at::kCPU);
  }
  write_safetensors(folder / "start.safetensors", start);
}

// NOW may have parts behind those of BEFORE.
std::vector<StepProfile::Part> parts_since(const std::vector<StepProfile::Part>& before,
                                           std::vector<StepProfile::Part> now, int64_t steps) {
  for (size_t i = 0; i < now.size(); ++i) {
    if (i < before.size()) now[i].seconds -= before[i].seconds;
    now[i].seconds /= static_cast<double>(steps);
  }
  return now;
}

}  // namespace

MeasuredTraining measure_training(const TrainingBench& options, const SplitInfo& split, at::Device device,
                                  Communicator& comm) {
  MeasuredTraining result;
  result.start_bytes = peak_memory_bytes();
  const Settings settings = settings_of(options);
  {
    CharRnn model(settings.model, options.model.vocabulary, at::kFloat, device);
    model.initialize(static_cast<uint64_t>(settings.run.seed));
    result.parameters = model.parameters().count();
    if (!options.keep.empty() && comm.rank() == 0) write_start(options.keep, model);
    Trainer trainer(settings, 1, model, comm, split);
    result.losses = losses_of(trainer, options.losses);
    time_steps(trainer, comm, std::max<int64_t>(0, kWarmUpSteps - options.losses));
    const double one = time_steps(trainer, comm, 1);
    result.peak_bytes = peak_memory_bytes();
    result.steps = max_over_ranks(comm, std::max<int64_t>(1, std::llround(options.seconds / one)));
    const auto characters = static_cast<double>(result.steps * options.batch * options.length);
    const std::vector<StepProfile::Part> before = trainer.profile().parts();
    for (int round = 0; round < options.rounds; ++round) {
      comm.barrier();
      result.sgemm.push_back(sum_over_ranks(comm, sgemm_rate(device, kSgemmShare * options.seconds)));
      result.rates.push_back(characters / time_steps(trainer, comm, result.steps));
    }
    result.parts = parts_since(before, trainer.profile().parts(), result.steps * options.rounds);
  }
  result.reference_losses = reference_losses(options, split, device, comm);
  return result;
}

}  // namespace charrnn
