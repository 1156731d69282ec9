// charrnn_preprocess CONFIG: text to HDF5 shards, vocabulary and manifest, once, before training.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "config/config_file.h"
#include "core/error.h"
#include "core/tool_main.h"
#include "data/corpus_builder.h"
#include "data/corpus_folder.h"
#include "data/describe.h"

namespace {

using charrnn::BuildProgress;
using Clock = std::chrono::steady_clock;

// On standard error: one line that is written over on a terminal, else a line every ten seconds.
class ProgressLine {
 public:
  void show(const BuildProgress& progress) {
    const Clock::time_point now = Clock::now();
    const double elapsed = std::chrono::duration<double>(now - start_).count();
    const bool at_end = progress.bytes_done == progress.bytes_total;
    if (std::chrono::duration<double>(now - shown_).count() < (is_terminal_ ? 0.2 : 10.0) &&
        !(is_terminal_ && at_end)) {
      return;
    }
    shown_ = now;
    const auto total = static_cast<double>(progress.bytes_total);
    const double done = static_cast<double>(progress.bytes_done);
    const double both = done + (progress.pass == 2 ? total : 0);  // bytes of both passes
    const double rate = both / elapsed;
    std::fprintf(stderr, "%spass %d of 2, %s: %.1f of %.1f MB, %.0f MB/s, %.0f s left%s",
                 is_terminal_ ? "\r" : "", progress.pass,
                 progress.pass == 1 ? "counting characters" : "writing shards", done / 1e6, total / 1e6,
                 rate / 1e6, (2 * total - both) / rate, is_terminal_ ? "\033[K" : "\n");
    written_ = true;
  }
  ~ProgressLine() {
    if (is_terminal_ && written_) std::fputc('\n', stderr);
  }

 private:
  bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  bool written_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
};

int verify(const std::string& folder, bool json) {
  charrnn::CorpusFolder::open(folder).verify();
  if (json) {
    std::puts(charrnn::json_line({{"kind", "verified"}, {"path", folder}}).c_str());
  } else {
    std::printf("%s: every shard has the hash that the manifest says\n", folder.c_str());
  }
  return 0;
}

int build(const charrnn::CorpusSettings& settings, bool json) {
  charrnn::BuildSummary summary;
  {
    ProgressLine line;
    summary = charrnn::build_corpus(settings, {.progress = [&](const BuildProgress& p) { line.show(p); }});
  }
  nlohmann::ordered_json corpus = charrnn::describe_corpus(settings.output);
  if (json) {
    corpus["seconds"] = summary.seconds;
    std::puts(charrnn::json_line(corpus).c_str());
  } else {
    std::fputs(charrnn::corpus_text(corpus).c_str(), stdout);
    std::printf("%.1f MB in %.1f s\n", static_cast<double>(summary.bytes) / 1e6, summary.seconds);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace charrnn;
  CLI::App app("Turns the text of a config's corpus section into HDF5 shards, a vocabulary and a manifest.",
               "charrnn_preprocess");
  std::string config_file;
  std::vector<std::string> overrides;
  bool only_verify = false;
  bool json = false;
  add_version(app);
  app.add_option("config", config_file, "the run, as a YAML file")->type_name("CONFIG")->required();
  add_overrides(app, overrides);
  app.add_flag("--verify", only_verify,
               "build nothing: re-read the corpus that is there and check every hash");
  app.add_flag("--json", json, "print the report as one line of JSON");
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  return run_tool([&] {
    if (mistake) throw *mistake;
    const CorpusSettings settings = read_config(config_file, overrides).settings.corpus;
    return only_verify ? verify(settings.output, json) : build(settings, json);
  });
}
