// Training steps, measured: what charrnn_bench model is asked for, and what it finds.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bench_options.h"
#include "comm/communicator.h"
#include "data/corpus_folder.h"
#include "train/profile.h"

namespace charrnn {

struct TrainingBench : BenchOptions {
  BenchModel model;
  int64_t batch = 32;   // B, over all ranks
  int64_t length = 64;  // T
  OptimizerSettings optimizer;
  double clip_norm = 1;
  DeviceName device = DeviceName::kAuto;
  CommSettings comm;
  std::string corpus;  // a folder; empty: a text is drawn
  std::string keep;    // a folder for the first weights and the drawn text
  int64_t losses = 5;  // of so many first steps
  int64_t check = 5;   // of which so many are compared with those of LibTorch's layers
  // Nats. What is seen is below 1e-6; a gate or a gradient that is wrong shows as 1e-3 and more.
  double tolerance = 1e-4;
  double seconds = 2;  // of a round
};

struct MeasuredTraining {
  std::vector<double> losses;            // nats, of the first steps, over all ranks
  std::vector<double> reference_losses;  // the same by LibTorch's layers
  int64_t parameters = 0;
  int64_t steps = 0;                     // of a round
  std::vector<double> rates;             // characters a second, over all ranks, one for each round
  std::vector<double> sgemm;             // FLOP a second of 2048 x 2048, likewise
  std::vector<StepProfile::Part> parts;  // of a step on rank 0: seconds, the mean over all rounds
  double start_bytes = 0;                // of this process's memory before the model is made
  double peak_bytes = 0;                 // after the first steps
};

// Every rank calls it.
MeasuredTraining measure_training(const TrainingBench& options, const SplitInfo& split, at::Device device,
                                  Communicator& comm);

}  // namespace charrnn
