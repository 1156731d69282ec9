#include "charrnn/run/prepare_run.h"

#include <cmath>
#include <utility>

#include "charrnn/comm/agreement.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/number_text.h"
#include "charrnn/corpus/corpus_recipe.h"
#include "charrnn/data/batch_reader.h"
#include "charrnn/run/corpus_check.h"
#include "charrnn/run/fit_steps.h"
#include "charrnn/run/resume_rules.h"
#include "charrnn/run/shared_checkpoint.h"
#include "charrnn/train/lane_settings.h"

namespace charrnn {
namespace {

// The corpus is trained on as it is; that the config would make another one now may be an oversight.
void warn_of_other_corpus_settings(const Config& config, const Settings& settings,
                                   const CorpusFolder& corpus) {
  const std::string names = settings_that_differ(settings.corpus.output, settings.corpus);
  if (!names.empty()) {
    log::warning(concat("the corpus ", settings.corpus.output, " was made with other values of ", names,
                        " than ", config.name, " has now: charrnn_preprocess builds it again"));
  }
  if (settings.evaluate.every.is_on() && config.origins.contains("evaluate.every") &&
      corpus.split("valid") == nullptr) {
    log::warning(concat("evaluate.every has no effect: the corpus ", settings.corpus.output,
                        " has no validation split (corpus.split.valid)"));
  }
}

CorpusFolder open_corpus(const Config& config, const TrainOptions& options, Settings& settings,
                         bool is_first) {
  if (settings.run.output.empty()) {
    fail_usage(config.name, ": run.output is missing: name a folder for the run, such as runs/mine");
  }
  if (settings.corpus.output.empty()) {
    fail_usage(config.name, ": corpus.output is missing: name the folder that charrnn_preprocess wrote");
  }
  if (!settings.train.steps && !settings.train.epochs && !options.fit_seconds) {
    fail_usage(config.name, ": how long to train? Give train.steps or train.epochs, or --fit-seconds");
  }
  CorpusFolder corpus = CorpusFolder::open(settings.corpus.output);
  if (is_first) warn_of_other_corpus_settings(config, settings, corpus);
  settings.corpus = with_recipe_of(settings.corpus.output, settings.corpus);
  check_against_corpus(settings, corpus);
  if (is_first) RunFolder(settings.run.output).refuse_foreign();
  return corpus;
}

// With train.lanes_per_rank the number of ranks that start a run gives its batch size; a resumed run keeps
// it.
void settle_batch_size(Settings& settings, const CorpusFolder& corpus, const Checkpoint* found,
                       const Communicator& comm) {
  settings = with_lanes_of(settings, comm.size());
  if (settings.train.lanes_per_rank && found != nullptr) {
    settings.train.batch_size = found->settings.train.batch_size;
  }
  // A reader checks B, T and the ranks against the shards before anything large is made.
  const BatchReader reader(corpus.require_split("train"), lane_options(settings), comm.rank(), comm.size());
  check_groups(settings.train, comm.size());
}

std::string effect_of_change(const std::string& change, const Settings& settings) {
  if (change.starts_with("train.lanes_per_rank"))
    return concat(": the run keeps its ", settings.train.batch_size, " lanes");
  if (change.starts_with("train.start_from")) return ": no effect, the run has its weights already";
  return "";
}

void resume_from(const Checkpoint& found, const TrainOptions& options, const CorpusFolder& corpus,
                 Settings& settings, Screen& screen) {
  if (options.fit_seconds && found.settings.train.steps) {
    settings.train.steps = found.settings.train.steps;
    settings.train.epochs.reset();
  }
  refuse_fixed_changes(found, settings, corpus);
  screen.message(concat("resuming ", settings.run.output, " from step ", with_thousands(found.step),
                        options.fit_seconds ? ", with the train.steps that were fitted before\n" : "\n"));
  for (const std::string& change : changed_settings(found.settings, settings)) {
    screen.message(concat("  new value: ", change, effect_of_change(change, settings), "\n"));
  }
}

// Drawn, or those of another run that has the same characters and shape: fine-tuning.
void make_first_weights(CharRnn& model, const Settings& settings, const CorpusFolder& corpus,
                        Screen& screen) {
  model.initialize(static_cast<uint64_t>(settings.run.seed));
  const std::string& from = settings.train.start_from;
  if (from.empty()) return;
  const Checkpoint old = open_run(from);
  const Vocabulary vocabulary = Vocabulary::from_json(old.vocabulary_json, from);
  if (vocabulary.hash() != corpus.vocabulary().hash()) {
    fail_usage("train.start_from ", from, " was trained with vocabulary ", vocabulary.hash().substr(0, 8),
               " (", vocabulary.size(), " characters), the corpus has ",
               corpus.vocabulary().hash().substr(0, 8), " (", corpus.vocabulary().size(),
               "): preprocess it with corpus.vocabulary.from: ", from);
  }
  load_weights(old, model);
  screen.message(concat("starting from the weights of ", from, ", step ", with_thousands(old.step), "\n"));
}

void fit_to_seconds(double seconds, PreparedRun& run, Communicator& comm, StopToken stop) {
  const FittedSteps fitted =
      fit_steps(seconds, with_precision(run.settings, run.precision), run.corpus, run.model, comm, stop);
  run.settings.train.steps = fitted.steps;
  run.settings.train.epochs.reset();
  run.screen.message(concat("--fit-seconds ", seconds, ": a step takes ",
                            std::llround(fitted.step_seconds * 1e3), " ms, so train.steps is ",
                            with_thousands(fitted.steps), "\n"));
}

void refuse_past_the_end(const Checkpoint& found, const PreparedRun& run) {
  if (found.step <= run.total_steps) return;
  fail_usage("the run in ", run.settings.run.output, " is at step ", found.step, ", past the ",
             run.total_steps,
             " steps of train.steps or train.epochs: give it more, or start another run (--set "
             "run.output=FOLDER)");
}

}  // namespace

int64_t total_steps_of(const Settings& settings, const SplitInfo& train) {
  const TrainSettings& s = settings.train;
  return s.epochs ? reading_plan(train, lane_options(settings)).steps_for(*s.epochs) : s.steps.value();
}

Settings with_precision(Settings settings, Precision automatic) {
  if (settings.train.precision == Precision::kAuto) settings.train.precision = automatic;
  return settings;
}

PreparedRun prepare_run(const Config& config, const TrainOptions& options, Communicator& comm,
                        at::Device device, std::unique_ptr<RunClaim> claim) {
  const Clock::time_point started = Clock::now();
  const RunningClock::Time started_running = running_clock().now();
  const bool is_first = comm.rank() == 0;
  Settings settings = config.settings;
  Screen screen(settings.run.progress, is_first);
  std::optional<CorpusFolder> corpus;
  agree_on_errors(comm, [&] { corpus = open_corpus(config, options, settings, is_first); });
  expect_equal(comm, {{"the hash of the corpus", corpus->hash()},
                      {"the hash of its vocabulary", corpus->vocabulary().hash()}});
  const RunFolder folder(settings.run.output);
  std::optional<Checkpoint> found = share_checkpoint(comm, [&] {
    folder.warn_of_lost();
    return folder.newest();
  });
  agree_on_errors(comm, [&] {
    settle_batch_size(settings, *corpus, found ? &*found : nullptr, comm);
    if (found) resume_from(*found, options, *corpus, settings, screen);
  });
  CharRnn model(settings.model, static_cast<int64_t>(corpus->vocabulary().size()), at::kFloat, device);
  if (!found) {
    agree_on_errors(comm, [&] {
      if (is_first) make_first_weights(model, settings, *corpus, screen);
    });
  }
  PreparedRun run{started,
                  started_running,
                  std::move(settings),
                  options.automatic_precision,
                  0,
                  std::move(*corpus),
                  folder,
                  std::move(claim),
                  std::move(screen),
                  std::move(model),
                  std::move(found)};
  if (options.fit_seconds && !run.found) fit_to_seconds(*options.fit_seconds, run, comm, options.stop);
  run.total_steps = total_steps_of(run.settings, run.corpus.require_split("train"));
  agree_on_errors(comm, [&] {
    if (run.found) refuse_past_the_end(*run.found, run);
  });
  return run;
}

}  // namespace charrnn
