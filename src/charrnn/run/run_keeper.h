// Rank 0's access to the run's folder: writes its settings and checkpoints, and recreates it if somebody
// deletes or renames it during the run.
#pragma once

#include <memory>

#include "charrnn/checkpoint/run_claim.h"
#include "charrnn/checkpoint/run_folder.h"
#include "charrnn/comm/communicator.h"
#include "charrnn/config/settings.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/run/rollback.h"
#include "charrnn/run/run_log.h"

namespace charrnn {

class RunKeeper {
 public:
  // All must outlive it. `claim` is empty on the other ranks, which only construct it.
  RunKeeper(const Settings& settings, const CorpusFolder& corpus, const RunFolder& folder,
            std::unique_ptr<RunClaim> claim, Communicator& comm);

  // Creates the folder, with config.yaml and vocabulary.json.
  void write_settings();
  // Completes a checkpoint that already has the trainer's part, and writes it. `rollback` notes whether a run
  // that diverges may return to it, `log` records it. Throws DiskFullError if it does not fit; existing
  // checkpoints stay.
  void write(Checkpoint& checkpoint, bool is_best, Rollback& rollback, RunLog& log);

 private:
  bool return_to_folder();

  const Settings& settings_;
  const CorpusFolder& corpus_;
  const RunFolder& folder_;
  std::unique_ptr<RunClaim> claim_;
  Communicator& comm_;
};

}  // namespace charrnn
