// Prepares a run before its first step: checks that config, corpus and folder fit together, finds the
// checkpoint to resume from, or draws the initial weights.
#pragma once

#include <memory>
#include <optional>

#include "charrnn/checkpoint/run_claim.h"
#include "charrnn/checkpoint/run_folder.h"
#include "charrnn/comm/communicator.h"
#include "charrnn/config/config_file.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/running_clock.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/model/char_rnn.h"
#include "charrnn/run/screen.h"
#include "charrnn/run/train_options.h"

namespace charrnn {

struct PreparedRun {
  Clock::time_point started;  // --max-seconds and the run's seconds include the preparation
  RunningClock::Time started_running;
  Settings settings;
  Precision precision;  // what train.precision: auto stands for
  int64_t total_steps;
  CorpusFolder corpus;
  RunFolder folder;
  std::unique_ptr<RunClaim> claim;  // on rank 0
  Screen screen;
  CharRnn model;                    // in a new run with its initial weights, on rank 0
  std::optional<Checkpoint> found;  // to resume from; tensors on rank 0 only
};

// Every rank calls it, rank 0 with its claim on run.output. Throws AgreedError if corpus, config and the
// contents of the folder don't fit together. Writes nothing.
PreparedRun prepare_run(const Config& config, const TrainOptions& options, Communicator& comm,
                        at::Device device, std::unique_ptr<RunClaim> claim);

// The steps of a run on this split: train.steps, or the steps of train.epochs.
int64_t total_steps_of(const Settings& settings, const SplitInfo& train);

// `settings` with the precision that train.precision: auto stands for.
Settings with_precision(Settings settings, Precision automatic);

}  // namespace charrnn
