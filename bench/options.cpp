#include "options.h"

#include "charrnn/comm/place/cores.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"

namespace charrnn {

void add_rounds(CLI::App& app, BenchOptions& options) {
  app.add_option("--rounds", options.rounds, "how often each is measured, in turns")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void add_threads(CLI::App& app, BenchOptions& options) {
  app.add_option("--threads", options.threads, "of the CPU; without it one for each core")
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
  return concat(enum_name(settings.cell), ", ", input, ", H ", settings.hidden_size, ", ",
                plural(settings.layers, "layer"), ", V ", model.vocabulary);
}

}  // namespace charrnn
