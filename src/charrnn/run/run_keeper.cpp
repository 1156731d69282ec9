#include "charrnn/run/run_keeper.h"

#include <utility>

#include "charrnn/comm/heartbeat.h"
#include "charrnn/config/config_file.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"

namespace charrnn {

RunKeeper::RunKeeper(const Settings& settings, const CorpusFolder& corpus, const RunFolder& folder,
                     std::unique_ptr<RunClaim> claim, Communicator& comm)
    : settings_(settings), corpus_(corpus), folder_(folder), claim_(std::move(claim)), comm_(comm) {}

void RunKeeper::write_settings() {
  folder_.create(claim_->is_exclusive());
  claim_->keep();
  write_file_atomically(folder_.config(), kConfigMark + to_yaml(settings_));
  write_file_atomically(folder_.vocabulary(), corpus_.vocabulary().to_json());
}

bool RunKeeper::return_to_folder() {
  if (claim_->is_in_place()) return false;
  try {
    claim_ = std::make_unique<RunClaim>(folder_.path());
  } catch (const Error& error) {
    fail("the run's folder was deleted or renamed during the run, and cannot be made again: ", error.what());
  }
  write_settings();
  return true;
}

void RunKeeper::write(Checkpoint& checkpoint, bool is_best, Rollback& rollback, RunLog& log) {
  if (return_to_folder() && log.restore_files()) {
    log.event(concat("the run's folder ", folder_.path(),
                     " was deleted, renamed or replaced during the run: ",
                     "it is made again, with all of metrics.jsonl and samples.txt; checkpoints from before ",
                     "are where it was moved to"));
  }
  log.flush();
  const std::string line = log.checkpoint_line(is_best);
  checkpoint.settings = settings_;
  checkpoint.describe(corpus_);
  checkpoint.is_good = log.is_good();
  Rollback after = rollback;
  if (checkpoint.is_good) after.note_good(checkpoint.step);
  after.save(checkpoint.saved);
  log.save(checkpoint.saved, line);
  with_heartbeat(comm_,
                 [&] { folder_.save(checkpoint, is_best, settings_.checkpoint.keep, after.good_step()); });
  rollback = after;
  log.add(line);  // not before: what it records is there
}

}  // namespace charrnn
