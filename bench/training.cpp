#include "training.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "charrnn/checkpoint/safetensors.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"
#include "charrnn/train/trainer.h"
#include "report.h"

namespace charrnn {
namespace {

constexpr int64_t kWarmUpSteps = 3;  // the first steps allocate memory
constexpr double kSgemmShare = 0.1;  // of a round's time, added to it

// A GPU multiplies 2048 x 2048 matrices faster than the host can queue the products.
int64_t sgemm_size(at::Device device) {
  return device == at::kCPU ? 2048 : 8192;
}

// The number of steps or products between two waits for the device.
int64_t steps_at_once(at::Device device) {
  return device == at::kCPU ? 1 : 10;
}

// The type of the product to compare with: on a GPU the same precision, on a CPU always fp32 (fp16 takes
// minutes).
at::ScalarType sgemm_type(at::Device device, Precision precision) {
  if (device == at::kCPU) return at::kFloat;
  return precision == Precision::kBf16   ? at::kBFloat16
         : precision == Precision::kFp16 ? at::kHalf
                                         : at::kFloat;
}

Settings settings_of(const TrainingBench& options) {
  Settings settings;
  settings.model = options.model.settings;
  settings.train.batch_size = options.batch;
  settings.train.sequence_length = options.length;
  settings.train.random_offset = false;
  settings.train.optimizer = options.optimizer;
  settings.train.clip_norm = options.clip_norm;
  settings.train.precision = options.precision;
  settings.comm = options.comm;
  return settings;
}

// The peak memory of this process. (getrusage's value would include that of the process that started it.)
double peak_memory_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    double kibibytes = 0;
    if (word == "VmHWM:" && in >> kibibytes) return kibibytes * 1024;
  }
  fail("expected a line VmHWM in /proc/self/status, found none: is /proc mounted?");
}

// FLOP per second. For tf32, use_precision has set the precision of all products before.
double sgemm_rate(at::Device device, Precision precision, double seconds) {
  const c10::AutoGradMode no_grad(false);
  const int64_t size = sgemm_size(device);
  const auto options = at::TensorOptions().device(device).dtype(sgemm_type(device, precision));
  const at::Tensor a = at::rand({size, size}, options);
  const at::Tensor b = at::rand({size, size}, options);
  at::Tensor product = at::mm(a, b);
  const auto wait = [&] { product[0][0].item(); };
  wait();
  const Clock::time_point start = Clock::now();
  int64_t count = 0;
  while (count == 0 || seconds_since(start) < seconds) {
    for (int64_t i = 0; i < steps_at_once(device); ++i, ++count) at::mm_out(product, a, b);
    wait();
  }
  return 2 * std::pow(static_cast<double>(size), 3) * static_cast<double>(count) / seconds_since(start);
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

// The losses of the next `count` steps.
std::vector<double> losses_of(Trainer& trainer, int64_t count) {
  std::vector<double> losses;
  for (int64_t i = 0; i < count; ++i) {
    stop_when_asked();
    trainer.begin_window();
    const Trainer::Progress& progress = trainer.progress();
    trainer.step();
    trainer.settle();
    check(progress.window_count > 0, "the gradient of step ", progress.step,
          " is not finite: the step was skipped, and has no loss to compare");
    losses.push_back(progress.window_loss_sum / progress.window_count);
  }
  return losses;
}

// Seconds that `count` steps take on all ranks.
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
  settings.train.precision = Precision::kFp32;
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

// `now` may have more parts than `before`, at its end.
std::vector<StepProfile::Part> parts_since(const std::vector<StepProfile::Part>& before,
                                           std::vector<StepProfile::Part> now, int64_t steps) {
  for (size_t i = 0; i < now.size(); ++i) {
    if (i < before.size()) now[i].seconds -= before[i].seconds;
    now[i].seconds /= static_cast<double>(steps);
  }
  return now;
}

}  // namespace

// In fp32 the observed difference is below 1e-6; a wrong gate or gradient causes 1e-3 and more. The other
// types round factors of products to 11 bits (tf32, fp16) or 8 (bf16), and the loss is a mean over B x T
// positions: after five steps with several shapes on the CPU the difference is 5e-5 for fp16 and 3e-4 for
// bf16. (tf32 only has an effect on GPUs.)
double tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::kBf16:
      return 2e-3;
    case Precision::kTf32:
    case Precision::kFp16:
      return 5e-4;
    default:
      return 1e-4;
  }
}

MeasuredTraining measure_training(const TrainingBench& options, const SplitInfo& split, at::Device device,
                                  Communicator& comm) {
  MeasuredTraining result;
  result.start_bytes = peak_memory_bytes();
  result.sgemm_size = sgemm_size(device);
  const Settings settings = settings_of(options);
  {
    CharRnn model(settings.model, options.model.vocabulary, at::kFloat, device);
    model.initialize(static_cast<uint64_t>(settings.run.seed));
    result.parameters = model.parameters().count();
    if (!options.keep.empty() && comm.rank() == 0) write_start(options.keep, model);
    Trainer trainer(settings, 1, model, comm, split);
    result.losses = losses_of(trainer, options.losses);
    time_steps(trainer, comm, std::max<int64_t>(0, kWarmUpSteps - options.losses));
    const int64_t probe = steps_at_once(device);
    const double one = time_steps(trainer, comm, probe) / static_cast<double>(probe);
    result.peak_bytes = peak_memory_bytes();
    result.steps = max_over_ranks(comm, std::max<int64_t>(1, std::llround(options.seconds / one)));
    const auto characters = static_cast<double>(result.steps * options.batch * options.length);
    const std::vector<StepProfile::Part> before = trainer.profile().parts();
    for (int round = 0; round < options.rounds; ++round) {
      comm.barrier();
      result.sgemm.push_back(
          sum_over_ranks(comm, sgemm_rate(device, options.precision, kSgemmShare * options.seconds)));
      result.rates.push_back(characters / time_steps(trainer, comm, result.steps));
    }
    result.parts = parts_since(before, trainer.profile().parts(), result.steps * options.rounds);
  }
  result.reference_losses = reference_losses(options, split, device, comm);
  return result;
}

}  // namespace charrnn
