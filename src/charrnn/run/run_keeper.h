// Rank 0's hold on the run's folder: the settings in it, its checkpoints, and what happens if somebody
// deletes or renames the folder in the middle of the run.
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
  // All must outlive it. `claim` is empty on other ranks, which do not call the rest.
  RunKeeper(const Settings& settings, const CorpusFolder& corpus, const RunFolder& folder,
            std::unique_ptr<RunClaim> claim, Communicator& comm);

  // Makes the folder, with config.yaml and vocabulary.json.
  void write_settings();
  // Completes a checkpoint, which has the trainer's part already, and writes it. `rollback` learns whether a
  // run that diverges may go back to it, `log` records it. Throws DiskFullError if it does not fit; what was
  // there before stays.
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
