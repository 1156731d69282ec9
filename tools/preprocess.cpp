// charrnn_preprocess CONFIG: turns text into HDF5 shards, a vocabulary and a manifest, once, before training.
#include <stdio_ext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/config/config_file.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/core/stop_signal.h"
#include "charrnn/core/tool_main.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/corpus/describe.h"
#include "charrnn/corpus/report.h"
#include "charrnn/data/corpus_folder.h"
#include "command_line.h"

namespace charrnn {
namespace {

const char* stage_name(BuildStage stage) {
  switch (stage) {
    case BuildStage::kComparing:
      return "comparing the sources with the existing corpus";
    case BuildStage::kExamining:
      return "1 of 3, examining the sources";
    case BuildStage::kCounting:
      return "2 of 3, counting characters";
    case BuildStage::kTargets:
      return "2 of 3, counting the targets";
    case BuildStage::kWriting:
      return "3 of 3, writing shards";
  }
  return "";
}

// Progress on standard error: on a terminal one line that is updated, else a new line every ten seconds.
class ProgressLine {
 public:
  void show(const BuildProgress& progress) {
    if (progress.stage != stage_) {
      stage_ = progress.stage;
      start_ = Clock::now();
    }
    const bool at_end = progress.bytes_done == progress.bytes_total;
    if (seconds_since(shown_) < (is_terminal_ ? 0.2 : 10.0) && !(is_terminal_ && at_end)) return;
    shown_ = Clock::now();
    const auto total = static_cast<double>(progress.bytes_total);
    const auto done = static_cast<double>(progress.bytes_done);
    const double rate = done / std::max(seconds_since(start_), 1e-3);
    std::fprintf(stderr, "%s%s: %.1f of %.1f MB, %.0f MB/s, %.0f s left in this stage%s",
                 is_terminal_ ? "\r" : "", stage_name(progress.stage), done / 1e6, total / 1e6, rate / 1e6,
                 (total - done) / std::max(rate, 1.0), is_terminal_ ? "\033[K" : "\n");
    written_ = true;
  }
  ~ProgressLine() {
    if (is_terminal_ && written_) std::fputc('\n', stderr);
  }

 private:
  bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  bool written_ = false;
  std::optional<BuildStage> stage_;
  Clock::time_point start_;  // of the stage
  Clock::time_point shown_ = Clock::now();
};

int verify(const std::string& folder, bool json) {
  CorpusFolder::open(folder).verify();
  if (json) {
    std::puts(json_line({{"kind", "verified"}, {"path", folder}}).c_str());
  } else {
    std::printf("%s: every shard matches its hash in the manifest\n", folder.c_str());
  }
  return 0;
}

nlohmann::ordered_json own_files_json(const BuildSummary& summary) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const OwnFilesFound& own : summary.own_files) {
    list.push_back({{"folder", own.folder}, {"what", own.what}, {"files", own.files.size()}});
  }
  return list;
}

// The text may contain NUL characters.
void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// If the report cannot be written, that is only a warning: the corpus is complete.
void print_report(const std::string& text, const std::string& folder) {
  print(text);
  try {
    check_output();
  } catch (const Error& error) {
    log::warning(concat(error.what(), "; the corpus in ", folder, " is complete"));
    __fpurge(stdout);
    std::clearerr(stdout);
  }
}

int build(const Settings& all, int threads, bool force, bool json) {
  const CorpusSettings& settings = all.corpus;
  BuildSummary summary;
  {
    ProgressLine line;
    summary = build_corpus(settings, {.progress = [&](const BuildProgress& progress) { line.show(progress); },
                                      .threads = threads,
                                      .force = force,
                                      .run_output = all.run.output,
                                      .stop = install_stop_handlers()});
  }
  if (summary.up_to_date && !json) {
    std::printf(
        "%s: up to date, built from the same sources with the same settings (--force builds it again)\n",
        settings.output.c_str());
    return 0;
  }
  nlohmann::ordered_json corpus = describe_corpus(settings.output);
  corpus["own_files"] = own_files_json(summary);
  if (json) {
    corpus["up_to_date"] = summary.up_to_date;
    corpus["seconds"] = summary.seconds;
    print(json_line(corpus) + "\n");
  } else {
    std::array<char, 128> end{};
    std::snprintf(end.data(), end.size(), "%.1f MB in %.1f s; next: charrnn_train with the same config\n",
                  static_cast<double>(summary.bytes) / 1e6, summary.seconds);
    print_report(corpus_text(corpus) + end.data(), settings.output);
  }
  return 0;
}

int run_command(int argc, char** argv) {
  CLI::App app("Builds the corpus of a config: turns its text into HDF5 shards, a vocabulary and a manifest.",
               "charrnn_preprocess");
  std::string config_file;
  std::vector<std::string> overrides;
  bool only_verify = false;
  bool force = false;
  bool json = false;
  int threads = 0;
  add_version(app);
  app.add_option("config", config_file, "config of the run, a YAML file")->type_name("CONFIG")->required();
  add_overrides(app, overrides);
  app.add_flag("--verify", only_verify, "build nothing: read the existing corpus and check every hash");
  app.add_flag("--force", force, "build even if the corpus is up to date");
  app.add_option("--threads", threads, "largest number of threads; default: one for each core, up to 16")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--json", json, "print the report as one line of JSON");
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  ignore_write_signals();
  return run_tool([&] {
    if (mistake) throw *mistake;
    const Config config = read_config(config_file, overrides);
    for (const std::string& note : config.notes) log::info(note);
    const Settings& settings = config.settings;
    return only_verify ? verify(settings.corpus.output, json) : build(settings, threads, force, json);
  });
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_command(argc, argv);
}
