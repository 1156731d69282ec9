// charrnn_train CONFIG: trains, or resumes, the run that the config describes; alone, or under mpirun or
// srun.
#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <cstdio>
#include <map>

#include "charrnn/comm/agreement.h"
#include "charrnn/comm/session.h"
#include "charrnn/config/config_file.h"
#include "charrnn/core/log.h"
#include "charrnn/core/stop_signal.h"
#include "charrnn/core/tool_main.h"
#include "charrnn/run/dry_run.h"
#include "charrnn/run/prepare_run.h"
#include "charrnn/run/training_run.h"
#include "charrnn/train/compute.h"
#include "charrnn/train/lane_settings.h"
#include "command_line.h"

namespace charrnn {
namespace {

struct Options {
  std::string config_file;
  std::vector<std::string> overrides;
  bool dry_run = false;
  bool help_config = false;
  TrainOptions train;
};

void add_options(CLI::App& app, Options& options) {
  add_version(app);
  app.add_option("config", options.config_file, "config of the run, a YAML file")->type_name("CONFIG");
  add_overrides(app, options.overrides);
  app.add_flag("--dry-run", options.dry_run, "print parameters, memory and steps, then exit");
  app.add_flag("--help-config", options.help_config, "print every setting with its default, then exit");
  app.add_option("--fit-seconds", options.train.fit_seconds,
                 "choose train.steps so that the run takes about N seconds")
      ->type_name("N")
      ->check(above(0));
  app.add_option("--max-steps", options.train.max_steps,
                 "save and stop after step N of the run; the schedule does not change")
      ->type_name("N")
      ->check(above(0));
  app.add_option("--max-seconds", options.train.max_seconds,
                 "save and stop after N seconds; the schedule does not change")
      ->type_name("N")
      ->check(above(0));
}

int print_config_help() {
  std::fputs(config_help().c_str(), stdout);
  return 0;
}

// Stores an error in `mistake`, so that it is reported only once over all ranks.
Config config_of(const Options& options, std::optional<Error>& mistake) {
  try {
    if (mistake) return {};
    if (options.config_file.empty())
      fail_usage("charrnn_train CONFIG: expected a config, such as configs/quickstart.yaml");
    return read_config(options.config_file, options.overrides);
  } catch (const Error& error) {
    mistake = error;
    return {};
  }
}

// What must be equal on all ranks. Folders may have other names on other hosts; their contents are compared
// later.
std::map<std::string, std::string> facts_of(const Settings& settings, const TrainOptions& options) {
  std::map<std::string, std::string> facts = flatten(settings);
  for (const char* const own : {"run.output", "run.threads", "run.progress"}) facts.erase(own);
  std::erase_if(facts, [](const auto& fact) { return fact.first.starts_with("corpus."); });
  facts["charrnn"] = concat(version(), " ", commit());
  facts["--fit-seconds"] = concat(options.fit_seconds.value_or(0));
  facts["--max-steps"] = concat(options.max_steps.value_or(0));
  facts["--max-seconds"] = concat(options.max_seconds.value_or(0));
  return facts;
}

void agree_on_config(Communicator& comm, const Config& config, const TrainOptions& options,
                     const std::optional<Error>& mistake) {
  agree_on_errors(comm, [&] {
    if (mistake) throw *mistake;
    if (comm.rank() != 0) return;
    for (const std::string& note : config.notes) log::info(note);
  });
  expect_equal(comm, facts_of(config.settings, options));
}

// --dry-run, on rank 0.
void print_size(Communicator& comm, const Settings& settings, bool fits_seconds) {
  agree_on_errors(comm, [&] {
    if (comm.rank() != 0) return;
    const int ranks = comm.size();
    const Settings sized = with_lanes_of(settings, ranks);
    const DeviceName configured = settings.run.device;
    const Device device =
        expected_device(configured, configured == DeviceName::kCpu ? VisibleGpus() : find_gpus());
    RunSize size = estimate_run(sized, CorpusFolder::open(settings.corpus.output), ranks, device);
    if (fits_seconds) size.total_steps = 0;
    std::fputs(to_text(size, sized, ranks).c_str(), stdout);
    check_output();
  });
}

// Called before anything in the folder changes and before reports may appear in it. Rank 0 holds the claim.
std::unique_ptr<RunClaim> claim_output(Communicator& comm, const std::string& output) {
  std::unique_ptr<RunClaim> claim;
  agree_on_errors(comm, [&] {
    if (comm.rank() == 0 && !output.empty()) claim = std::make_unique<RunClaim>(output);
  });
  return claim;
}

// Devices, threads and the parts of the run.
PreparedRun prepare(Session& session, const Config& config, TrainOptions& options) {
  const Settings& settings = config.settings;
  std::unique_ptr<RunClaim> claim = claim_output(session.comm(), settings.run.output);
  Communicator& comm = session.connect(settings.comm, settings.run.device, settings.run.output);
  if (comm.rank() == 0 && comm.size() > 1) std::fputs(session.place_table().c_str(), stdout);
  const at::Device device = prepare_compute(session, settings.run.threads);
  options.automatic_precision = precision_on(session.device(), Precision::kAuto);
  return prepare_run(config, options, comm, device, std::move(claim));
}

ExitCode exit_code_of(RunEnd end) {
  switch (end) {
    case RunEnd::kInterrupted:
      return ExitCode::kSaved;
    case RunEnd::kDiverged:
      return ExitCode::kDiverged;
    case RunEnd::kComplete:
    case RunEnd::kOutOfPatience:
    case RunEnd::kAsked:
      break;
  }
  return ExitCode::kFinished;
}

int run_command(int argc, char** argv) {
  CLI::App app("Trains a character-level language model, or resumes the run if its folder has one.",
               "charrnn_train");
  Options options;
  add_options(app, options);
  std::optional<Error> mistake = parse_command_line(app, argc, argv);
  if (options.help_config) return run_tool(print_config_help);
  ignore_write_signals();
  // Before the ranks connect, so that comm.start_timeout_seconds applies to that too.
  options.train.stop = install_stop_handlers();
  const Config config = config_of(options, mistake);
  const auto train = [&](Session& session) {
    agree_on_config(session.comm(), config, options.train, mistake);
    if (options.dry_run) {
      print_size(session.comm(), config.settings, options.train.fit_seconds.has_value());
      return ExitCode::kFinished;
    }
    PreparedRun parts = prepare(session, config, options.train);
    TrainingRun run(std::move(parts), options.train, session.comm());
    session.put_away_reports();
    const RunEnd end = run.run();
    session.tell_launcher(concat(run.steps_made()), ".steps");
    return exit_code_of(end);
  };
  return run_ranks(train, config.settings.comm.start_timeout_seconds);
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_command(argc, argv);
}
