// Measures training steps for charrnn_bench model: takes its options, returns its numbers.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/comm/communicator.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/train/profile.h"
#include "options.h"

namespace charrnn {

struct TrainingBench : BenchOptions {
  BenchModel model;
  int64_t batch = 32;   // B, over all ranks
  int64_t length = 64;  // T
  OptimizerSettings optimizer;
  double clip_norm = 1;
  DeviceName device = DeviceName::kAuto;
  Precision precision = Precision::kFp32;
  CommSettings comm;
  std::string corpus;               // a folder; empty: random text
  std::string keep;                 // a folder for the initial weights and the random text
  int64_t losses = 5;               // number of first steps whose losses are reported
  int64_t check = 5;                // number of those that are compared with LibTorch's layers in fp32
  std::optional<double> tolerance;  // nats; default: tolerance_of(precision)
  double seconds = 2;               // of a round
};

// The largest accepted difference between losses of the first steps and those in fp32, in nats.
double tolerance_of(Precision precision);

struct MeasuredTraining {
  std::vector<double> losses;            // nats, of the first steps, over all ranks
  std::vector<double> reference_losses;  // the same with LibTorch's layers
  int64_t parameters = 0;
  int64_t steps = 0;                     // of a round
  std::vector<double> rates;             // characters per second, over all ranks, one for each round
  std::vector<double> sgemm;             // FLOP per second of a large product in that precision, likewise
  int64_t sgemm_size = 0;                // of its square matrices
  std::vector<StepProfile::Part> parts;  // of a step on rank 0: mean seconds over all rounds
  double start_bytes = 0;                // host memory of this process before the model is created
  double peak_bytes = 0;                 // the same after the first steps
};

// Every rank calls it.
MeasuredTraining measure_training(const TrainingBench& options, const SplitInfo& split, at::Device device,
                                  Communicator& comm);

}  // namespace charrnn
