// charrnn_eval RUN: the loss of a run's model on a held-out split. Runs alone or under mpirun, with the same
// result.
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "charrnn/checkpoint/run_folder.h"
#include "charrnn/comm/agreement.h"
#include "charrnn/comm/session.h"
#include "charrnn/config/config_file.h"
#include "charrnn/core/number_text.h"
#include "charrnn/core/tool_main.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/evaluate/evaluator.h"
#include "charrnn/generate/trained_model.h"
#include "charrnn/train/compute.h"
#include "charrnn/train/tensor_exchange.h"
#include "command_line.h"

namespace charrnn {
namespace {

struct Options {
  std::string run;
  std::string split;
  std::string mode = "carry";
  std::optional<int64_t> window;
  std::vector<std::string> overrides;
  bool json = false;

  // Characters after which the state is set to zero again.
  std::optional<int64_t> window_length() const {
    constexpr int64_t usual = 256;
    return mode == "windows" ? std::optional(window.value_or(usual)) : std::nullopt;
  }
};

void add_options(CLI::App& app, Options& options) {
  add_version(app);
  app.add_option("run", options.run, "a run's folder or a checkpoint file")->type_name("RUN")->required();
  app.add_option("--split", options.split,
                 "train, valid or test; default: test, or valid if the corpus has no test split")
      ->type_name("SPLIT");
  app.add_option(
         "--mode", options.mode,
         "carry: keep the state through the whole split; windows: set it to zero before each window, to "
         "compare with models whose context is limited to a window")
      ->check(CLI::IsMember({"carry", "windows"}))
      ->capture_default_str();
  app.add_option("--window", options.window, "characters in a window (--mode windows); default: 256")
      ->check(CLI::Range(1, 4096));
  add_overrides(app, options.overrides);
  app.add_flag("--json", options.json, "print one JSON object");
}

// The checkpoint's settings, with the overrides of the command line.
Settings settings_of(const Checkpoint& checkpoint, const Options& options) {
  for (const std::string& text : options.overrides) {
    constexpr std::array<std::string_view, 5> read{"corpus.output", "evaluate.lanes", "evaluate.weights",
                                                   "run.", "comm."};
    const auto begins_text = [&](std::string_view setting) { return text.starts_with(setting); };
    if (text.find('=') != std::string::npos && std::none_of(read.begin(), read.end(), begins_text)) {
      fail_usage("--set ", text,
                 " has no effect here: expected corpus.output, evaluate.lanes, evaluate.weights, "
                 "run.device, run.threads or a setting of comm; the others belong to the trained model");
    }
  }
  return change_settings(checkpoint.settings, "", "the run's config", options.overrides).settings;
}

std::string chosen_split(const CorpusFolder& corpus, const std::string& wanted) {
  if (!wanted.empty()) return corpus.require_split(wanted).name;
  return corpus.split("test") != nullptr ? "test" : corpus.require_split("valid").name;
}

// If a run that was trained with relative paths is evaluated from another working folder, its corpus path is
// taken relative to the folder in which the run was started: the run's own path without run.output at its
// end.
std::filesystem::path corpus_of(const Settings& settings, const std::filesystem::path& checkpoint_file) {
  namespace fs = std::filesystem;
  const fs::path corpus = settings.corpus.output;
  const fs::path output = fs::path(settings.run.output).lexically_normal();
  if (corpus.is_absolute() || output.is_absolute() || fs::exists(corpus / "manifest.json")) return corpus;
  std::error_code problem;
  const fs::path checkpoints = fs::canonical(checkpoint_file, problem).parent_path();
  if (problem || checkpoints.filename() != "checkpoints") return corpus;
  fs::path start = checkpoints.parent_path();
  for (fs::path rest = output.has_filename() ? output : output.parent_path(); !rest.empty();
       rest = rest.parent_path()) {
    if (rest.filename() != start.filename()) return corpus;
    start = start.parent_path();
  }
  return fs::exists(start / corpus / "manifest.json") ? start / corpus : corpus;
}

// What is evaluated, and on what.
struct Subject {
  Checkpoint checkpoint;
  std::filesystem::path file;  // of the checkpoint
  Settings settings;
  std::optional<CorpusFolder> corpus;
  std::string split;
};

void expect_same_text(const Subject& subject, bool is_other_corpus) {
  const CorpusFolder& corpus = *subject.corpus;
  const Checkpoint& checkpoint = subject.checkpoint;
  const std::string& folder = subject.settings.corpus.output;
  const std::string hash = Vocabulary::from_json(checkpoint.vocabulary_json, subject.file.string()).hash();
  if (corpus.vocabulary().hash() != hash) {
    fail_usage("the corpus ", folder, " has vocabulary ", corpus.vocabulary().hash().substr(0, 8),
               ", the run was trained with ", hash.substr(0, 8),
               ": preprocess again, or give the matching corpus with --set corpus.output=FOLDER");
  }
  if (corpus.has_targets() != checkpoint.has_targets) {
    const auto kind = [](bool aligned) { return aligned ? "aligned targets" : "no aligned targets"; };
    fail_usage("the corpus ", folder, " has ", kind(corpus.has_targets()),
               ", the run was trained on one with ", kind(checkpoint.has_targets),
               ": give a corpus of the same kind with --set corpus.output=FOLDER");
  }
  if (corpus.hash() != checkpoint.corpus_hash && !is_other_corpus) {
    fail_usage(
        "the corpus in ", folder, " was rebuilt after the run (hash ", checkpoint.corpus_hash.substr(0, 8),
        ", now ", corpus.hash().substr(0, 8),
        "), so the run may have trained on its held-out text: preprocess with the run's settings, or give ",
        "another corpus explicitly with --set corpus.output=FOLDER");
  }
}

Subject open_subject(const Options& options) {
  if (options.window && options.mode != "windows") {
    fail_usage("--window ", *options.window,
               " needs --mode windows: with --mode carry the state is never set to zero");
  }
  Subject subject;
  subject.checkpoint = open_run(options.run, &subject.file);
  const Settings& trained = subject.checkpoint.settings;
  subject.settings = settings_of(subject.checkpoint, options);
  std::string& folder = subject.settings.corpus.output;
  const bool is_other_corpus = folder != trained.corpus.output;
  if (!is_other_corpus) folder = corpus_of(subject.settings, subject.file).string();
  subject.corpus = CorpusFolder::open(folder);
  expect_same_text(subject, is_other_corpus);
  subject.split = chosen_split(*subject.corpus, options.split);
  return subject;
}

// The loss in other units of the text that the split was made from.
struct OtherUnits {
  double bits_per_character = 0;
  double bits_per_byte = 0;                      // UTF-8, of the cleaned text
  std::optional<double> bits_per_original_byte;  // of the files before cleaning, if their size is known
};

// Whether a byte continues a character in UTF-8. In other text every byte counts as a character.
bool continues_character(char32_t byte) {
  return (byte & 0xc0U) == 0x80U;
}

OtherUnits in_other_units(const Loss& loss, const SplitInfo& split, const Vocabulary& vocabulary) {
  const auto characters = static_cast<double>(split.characters);
  const double all_bits = loss.bits() * characters;  // as if the first character were a target too
  OtherUnits units{loss.bits(), all_bits / static_cast<double>(split.utf8_bytes), {}};
  if (split.original_bytes)
    units.bits_per_original_byte = all_bits / static_cast<double>(*split.original_bytes);
  if (split.unit != Unit::kByte) return units;
  units.bits_per_byte = loss.bits();
  double starts = 0;
  std::vector<uint32_t> ids;
  for (size_t shard = 0; shard < split.shards.size(); ++shard) {
    const ShardReader reader = open_shard(split, shard);
    constexpr uint64_t block = 1 << 20;
    for (uint64_t at = 0; at < reader.info().length; at += block) {
      ids.resize(std::min(block, reader.info().length - at));
      reader.read(at, ids);
      for (const uint32_t id : ids)
        starts += continues_character(vocabulary.characters().at(id).value) ? 0 : 1;
    }
  }
  units.bits_per_character = all_bits / std::max(starts, 1.0);
  return units;
}

void print_json(const Loss& loss, const OtherUnits& units, const Subject& subject, const Options& options) {
  using Json = nlohmann::ordered_json;
  const SplitInfo& split = subject.corpus->require_split(subject.split);
  const Baselines& baselines =
      subject.corpus->baselines();  // of this corpus, which may differ from the run's
  const std::optional<int64_t> window = options.window_length();
  const Json result{{"checkpoint", subject.file.string()},
                    {"step", subject.checkpoint.step},
                    {"split", split.name},
                    {"mode", options.mode},
                    {"window", window ? Json(*window) : Json(nullptr)},
                    {"unit", enum_name(split.unit)},
                    {"characters", static_cast<int64_t>(loss.count)},
                    {"loss_nats", loss.nats()},
                    {"perplexity", loss.perplexity()},
                    {"bits_per_character", units.bits_per_character},
                    {"bits_per_byte", units.bits_per_byte},
                    {"bits_per_original_byte",
                     units.bits_per_original_byte ? Json(*units.bits_per_original_byte) : Json(nullptr)},
                    {"unknown_share", loss.unknown_share()},
                    {"unigram_bits", baselines.unigram_bits},
                    {"bigram_bits", baselines.bigram_bits}};
  std::printf("%s\n", result.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_text(const Loss& loss, const OtherUnits& units, const Subject& subject, const Options& options) {
  const SplitInfo& split = subject.corpus->require_split(subject.split);
  const Baselines& baselines = subject.corpus->baselines();
  const std::string baselines_text = concat(" (unigram ", fixed(baselines.unigram_bits, 2), ", bigram ",
                                            fixed(baselines.bigram_bits, 2), ")");
  const bool has_bytes = split.unit == Unit::kByte;
  const char* const unit = has_bytes ? "byte" : "character";
  const std::optional<int64_t> window = options.window_length();
  std::printf(
      "checkpoint          %s (step %s)\nsplit               %s, %s %ss predicted, %s\n"
      "loss                %.4f nats per %s\nperplexity          %.3f per %s\n"
      "bits per character  %.4f%s\nbits per byte       %.4f%s of the cleaned text in UTF-8\n",
      subject.file.c_str(), with_thousands(subject.checkpoint.step).c_str(), split.name.c_str(),
      with_thousands(static_cast<int64_t>(loss.count)).c_str(), unit,
      window ? concat("windows of ", *window, " from zero state").c_str() : "state carried", loss.nats(),
      unit, loss.perplexity(), unit, units.bits_per_character, has_bytes ? "" : baselines_text.c_str(),
      units.bits_per_byte, has_bytes ? baselines_text.c_str() : "");
  if (units.bits_per_original_byte) {
    std::printf("                    %.4f of the files before cleaning\n", *units.bits_per_original_byte);
  }
  if (split.has_unknown) {
    std::printf("<unk>               %.2f %% of the targets, each counted as one character\n",
                100 * loss.unknown_share());
  }
}

ExitCode evaluate_run(Session& session, const Options& options, const std::optional<Error>& mistake) {
  Subject subject;
  agree_on_errors(session.comm(), [&] {
    if (mistake) throw *mistake;
    subject = open_subject(options);
  });
  const Settings& settings = subject.settings;
  expect_equal(session.comm(), {{"the hash of the corpus", subject.corpus->hash()},
                                {"the split", subject.split},
                                {"evaluate.lanes", concat(settings.evaluate.lanes)},
                                {"evaluate.weights", std::string(enum_name(settings.evaluate.weights))},
                                {"--window", concat(options.window_length().value_or(0))}});
  Communicator& comm = session.connect(settings.comm, settings.run.device, "");
  const at::Device device = prepare_compute(session, settings.run.threads);
  const TrainedModel trained(subject.checkpoint, subject.file,
                             {.weights = settings.evaluate.weights, .device = device});
  broadcast(comm, trained.model().parameters().values());  // all ranks evaluate the same weights
  const SplitInfo& split = subject.corpus->require_split(subject.split);
  const std::optional<Loss> loss = evaluate(trained.model(), split, settings.evaluate.lanes, comm,
                                            options.window_length(), session.stop());
  agree_on_errors(comm, [&] {
    if (!loss && comm.rank() == 0)
      fail_stopped("stopped by a signal before the whole split was read: no result");
  });
  if (comm.rank() == 0) {
    const OtherUnits units = in_other_units(*loss, split, subject.corpus->vocabulary());
    (options.json ? print_json : print_text)(*loss, units, subject, options);
  }
  check_output();
  return ExitCode::kFinished;
}

int run_command(int argc, char** argv) {
  CLI::App app(
      "Prints the loss of a run's model (the best checkpoint, else the newest) on a held-out "
      "split.",
      "charrnn_eval");
  Options options;
  add_options(app, options);
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  return run_ranks([&](Session& session) { return evaluate_run(session, options, mistake); });
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_command(argc, argv);
}
