#include "bench_options.h"

#include "charrnn/comm/place/cores.h"
#include "charrnn/core/error.h"

namespace charrnn {

void add_rounds(CLI::App& app, BenchOptions& options) {
  app.add_option("--rounds", options.rounds, "how often each is measured, in turns")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void add_threads(CLI::App& app, BenchOptions& options) {
  app.add_option("--threads", options.threads, "of the processor; without it one for each core")
      ->check(CLI::Range(1, 1024));
}

void add_json(CLI::App& app, BenchOptions& options) {
  app.add_flag("--json", options.json, "print the report as one line of JSON");
}

int threads_of(const BenchOptions& options) {
  return options.threads > 0 ? options.threads : static_cast<int>(usable_cores().size());
}

void add_model(CLI::App& app, BenchModel& model) {
  const auto size = CLI::Range(1, 65536);
  ModelSettings& settings = model.settings;
  add_enum(app, "--cell", settings.cell, "of the model");
  add_enum(app, "--input", settings.input, "how a character enters the first layer");
  app.add_option("--embedding", settings.embedding_size, "E, with --input embedding")
      ->check(size)
      ->capture_default_str();
  app.add_option("--hidden", settings.hidden_size, "H")->check(size)->capture_default_str();
  app.add_option("--layers", settings.layers, "L")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--vocabulary", model.vocabulary, "V")->check(CLI::Range(2, 50000))->capture_default_str();
}

std::string to_text(const BenchModel& model) {
  const ModelSettings& settings = model.settings;
  const std::string input =
      settings.input == InputLayer::kOneHot ? "one-hot" : concat("E ", settings.embedding_size);
  return concat(enum_name(settings.cell), ", ", input, ", H ", settings.hidden_size, ", ", settings.layers,
                settings.layers == 1 ? " layer" : " layers", ", V ", model.vocabulary);
}

std::vector<std::string> words_of(const BenchModel& model) {
  const ModelSettings& settings = model.settings;
  return {"--cell",       std::string(enum_name(settings.cell)),
          "--input",      std::string(enum_name(settings.input)),
          "--embedding",  std::to_string(settings.embedding_size),
          "--hidden",     std::to_string(settings.hidden_size),
          "--layers",     std::to_string(settings.layers),
          "--vocabulary", std::to_string(model.vocabulary)};
}

}  // namespace charrnn
