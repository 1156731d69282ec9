// charrnn_train CONFIG: trains, or goes on with, the run that the config describes. Alone, under mpirun or
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
#include "charrnn/run/training_run.h"
#include "charrnn/train/compute.h"
#include "command_line.h"

namespace {

using namespace charrnn;

// What must be equal on all ranks. Folders may have another name on another host; what is in them is compared
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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a character-level language model; in a folder that has a run, goes on with it.",
               "charrnn_train");
  std::string config_file;
  std::vector<std::string> overrides;
  TrainOptions options;
  bool dry_run = false;
  bool help_config = false;
  add_version(app);
  app.add_option("config", config_file, "the run, as a YAML file")->type_name("CONFIG");
  add_overrides(app, overrides);
  app.add_flag("--dry-run", dry_run, "print sizes, memory and steps, and stop");
  app.add_flag("--help-config", help_config, "list every key of a config, and stop");
  app.add_option("--fit-seconds", options.fit_seconds, "set train.steps so that the run takes about so long")
      ->type_name("N")
      ->check(above(0));
  app.add_option("--max-steps", options.max_steps,
                 "stop after step N of the run, saved; the schedule is unchanged")
      ->type_name("N")
      ->check(above(0));
  app.add_option("--max-seconds", options.max_seconds,
                 "stop after N seconds, saved; the schedule is unchanged")
      ->type_name("N")
      ->check(above(0));
  std::optional<Error> mistake = parse_command_line(app, argc, argv);
  if (help_config) {
    return run_tool([] {
      std::fputs(config_help().c_str(), stdout);
      return 0;
    });
  }
  ignore_write_signals();
  // Before the ranks meet, so that comm.start_timeout_seconds holds for their meeting too.
  install_stop_handlers();
  Config config;
  if (!mistake) {
    try {
      if (config_file.empty())
        fail_usage("charrnn_train CONFIG: name a config, such as configs/quickstart.yaml");
      config = read_config(config_file, overrides);
    } catch (const Error& error) {
      mistake = error;
    }
  }

  const auto train = [&](Session& session) {
    agree_on_errors(session.comm(), [&] {
      if (mistake) throw *mistake;
      if (session.comm().rank() != 0) return;
      for (const std::string& note : config.notes) log::info(note);
    });
    expect_equal(session.comm(), facts_of(config.settings, options));
    const Settings& settings = config.settings;
    if (dry_run) {
      agree_on_errors(session.comm(), [&] {
        if (session.comm().rank() != 0) return;
        const int ranks = session.comm().size();
        const Settings sized = with_lanes_of(settings, ranks);
        const DeviceName configured = settings.run.device;
        const Device device =
            expected_device(configured, configured == DeviceName::kCpu ? VisibleGpus() : find_gpus());
        RunSize size = estimate_run(sized, CorpusFolder::open(settings.corpus.output), ranks, device);
        if (options.fit_seconds) size.total_steps = 0;
        std::fputs(to_text(size, sized, ranks).c_str(), stdout);
        check_output();
      });
      return ExitCode::kFinished;
    }
    // Before anything is touched, and before reports may appear in the folder.
    std::unique_ptr<RunClaim> claim;
    agree_on_errors(session.comm(), [&] {
      const bool is_first = session.comm().rank() == 0;
      if (is_first && !settings.run.output.empty()) claim = std::make_unique<RunClaim>(settings.run.output);
    });
    Communicator& comm = session.connect(settings.comm, settings.run.device, settings.run.output);
    if (comm.rank() == 0 && comm.size() > 1) std::fputs(session.place_table().c_str(), stdout);
    const at::Device device = prepare_compute(session, settings.run.threads);
    options.automatic_precision = precision_on(session.device(), Precision::kAuto);
    TrainingRun run(config, options, comm, device, std::move(claim));
    session.put_away_reports();
    const ExitCode code = run.run();
    session.tell_launcher(concat(run.steps_made()), ".steps");
    return code;
  };
  return run_ranks(train, config.settings.comm.start_timeout_seconds);
}
