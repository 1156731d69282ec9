// charrnn_eval RUN: the loss of a run's model on a held-out split. Alone or under mpirun; the value is the
// same.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "checkpoint/run_folder.h"
#include "comm/agreement.h"
#include "comm/launch.h"
#include "command_line.h"
#include "config/config_file.h"
#include "core/tool_main.h"
#include "data/corpus_folder.h"
#include "train/compute.h"
#include "train/evaluator.h"
#include "train/metrics.h"
#include "train/tensor_exchange.h"

namespace {

using namespace charrnn;

struct Options {
  std::string run;
  std::string split;
  std::string mode = "carry";
  std::optional<int64_t> window;

  // Characters after which the state is zero again.
  std::optional<int64_t> window_length() const {
    constexpr int64_t usual = 256;
    return mode == "windows" ? std::optional(window.value_or(usual)) : std::nullopt;
  }
  std::vector<std::string> overrides;
  bool json = false;
};

// The checkpoint's settings, with the overrides of the command line.
Settings settings_of(const Checkpoint& checkpoint, const Options& options) {
  return parse_config(to_yaml(checkpoint.settings), "the run's config", options.overrides).settings;
}

std::string chosen_split(const CorpusFolder& corpus, const std::string& wanted) {
  if (!wanted.empty()) return corpus.require_split(wanted).name;
  return corpus.split("test") != nullptr ? "test" : corpus.require_split("valid").name;
}

void print(const Loss& loss, const SplitInfo& split, const Checkpoint& checkpoint, const std::string& file,
           const Options& options) {
  const std::optional<int64_t> window = options.window_length();
  if (options.json) {
    const nlohmann::ordered_json result{{"checkpoint", file},
                                        {"step", checkpoint.progress.step},
                                        {"split", split.name},
                                        {"mode", options.mode},
                                        {"window", window ? nlohmann::ordered_json(*window) : nullptr},
                                        {"characters", static_cast<int64_t>(loss.count)},
                                        {"loss_nats", loss.nats()},
                                        {"perplexity", loss.perplexity()},
                                        {"bits_per_character", loss.bits()},
                                        {"unigram_bits", checkpoint.marks.unigram_bits},
                                        {"bigram_bits", checkpoint.marks.bigram_bits}};
    std::printf("%s\n", result.dump(2).c_str());
    return;
  }
  std::printf(
      "checkpoint          %s (step %s)\nsplit               %s, %s characters predicted, %s\n"
      "loss                %.4f nats per character\nperplexity          %.3f\n"
      "bits per character  %.4f (unigram %.2f, bigram %.2f)\n",
      file.c_str(), with_thousands(checkpoint.progress.step).c_str(), split.name.c_str(),
      with_thousands(static_cast<int64_t>(loss.count)).c_str(),
      window ? concat("windows of ", *window, " from zero state").c_str() : "state carried", loss.nats(),
      loss.perplexity(), loss.bits(), checkpoint.marks.unigram_bits, checkpoint.marks.bigram_bits);
}

ExitCode evaluate_run(Session& session, const Options& options, const std::optional<Error>& mistake) {
  Checkpoint checkpoint;
  Settings settings;
  std::filesystem::path file;
  std::optional<CorpusFolder> corpus;
  std::string split;
  together(session.comm(), [&] {
    if (mistake) throw *mistake;
    if (options.window && options.mode != "windows") {
      fail_usage("--window ", *options.window, " needs --mode windows: else the state is carried");
    }
    checkpoint = open_run(options.run, &file);
    settings = settings_of(checkpoint, options);
    corpus = CorpusFolder::open(settings.corpus.output);
    const std::string hash = Vocabulary::from_json(checkpoint.vocabulary_json, file.string()).hash();
    if (corpus->vocabulary().hash() != hash) {
      fail_usage("the corpus ", settings.corpus.output, " has vocabulary ",
                 corpus->vocabulary().hash().substr(0, 8), ", the run was trained with ", hash.substr(0, 8),
                 ": preprocess again, or name the matching corpus with --set corpus.output=FOLDER");
    }
    if (corpus->has_targets() != checkpoint.has_targets) {
      const auto kind = [](bool aligned) { return aligned ? "aligned targets" : "no targets of its own"; };
      fail_usage("the corpus ", settings.corpus.output, " has ", kind(corpus->has_targets()),
                 ", the run was trained on one with ", kind(checkpoint.has_targets),
                 ": name a corpus of the same kind with --set corpus.output=FOLDER");
    }
    if (corpus->hash() != checkpoint.corpus_hash &&
        settings.corpus.output == checkpoint.settings.corpus.output) {
      fail_usage(
          "the corpus in ", settings.corpus.output, " was made anew since the run (hash ",
          checkpoint.corpus_hash.substr(0, 8), ", now ", corpus->hash().substr(0, 8),
          "), so its held-out text may have been trained on: preprocess with the run's settings, or name ",
          "another corpus on purpose with --set corpus.output=FOLDER");
    }
    split = chosen_split(*corpus, options.split);
  });
  Communicator& comm = session.choose_backend(settings.comm, settings.run.device, "");
  const at::Device device = prepare_compute(session, settings.run.threads);
  const CharRnn model = model_of(checkpoint, device, settings.evaluate.weights);
  broadcast(comm, model.parameters().values());  // all ranks judge the same weights
  const std::optional<Loss> loss =
      evaluate(model, corpus->require_split(split), settings.evaluate.lanes, comm, options.window_length());
  together(comm, [&] {
    if (!loss && comm.rank() == 0)
      fail("stopped by a signal before the whole split was read: there is no value");
  });
  if (comm.rank() == 0) print(*loss, corpus->require_split(split), checkpoint, file.string(), options);
  check_output();
  return ExitCode::kFinished;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The loss of a run's model (its best checkpoint, else the newest) on a held-out split.",
               "charrnn_eval");
  Options options;
  add_version(app);
  app.add_option("run", options.run, "a run's folder or a checkpoint file")->type_name("RUN")->required();
  app.add_option("--split", options.split, "train, valid or test; else test where there is one, or valid");
  app.add_option(
         "--mode", options.mode,
         "carry: the state is carried through the split; windows: it is zero again at each window, as "
         "models that see no further are evaluated")
      ->check(CLI::IsMember({"carry", "windows"}))
      ->capture_default_str();
  app.add_option("--window", options.window, "characters of a window, with --mode windows; else 256")
      ->check(CLI::Range(1, 4096));
  add_overrides(app, options.overrides);
  app.add_flag("--json", options.json, "print one JSON object");
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  return run_ranks([&](Session& session) { return evaluate_run(session, options, mistake); });
}
