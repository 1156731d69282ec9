#include "options.h"

#include "charrnn/comm/place/cores.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"

namespace charrnn {

void add_rounds(CLI::App& app, BenchOptions& options) {
  app.add_option("--rounds", options.rounds, "number of measurements of each case, taken in turns")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void add_threads(CLI::App& app, BenchOptions& options) {
  app.add_option("--threads", options.threads, "number of CPU threads; default: one for each core")
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
  add_enum(app, "--cell", settings.cell, "type of recurrent cell");
  add_enum(app, "--input", settings.input, "input of the first layer for each character");
  app.add_option("--embedding", settings.embedding_size, "E, the size of the embedding (--input embedding)")
      ->check(size)
      ->capture_default_str();
  app.add_option("--hidden", settings.hidden_size, "H, the size of each layer")
      ->check(size)
      ->capture_default_str();
  app.add_option("--layers", settings.layers, "L, the number of layers")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--vocabulary", model.vocabulary, "V, the size of the vocabulary")
      ->check(CLI::Range(2, 50000))
      ->capture_default_str();
}

std::string to_text(const BenchModel& model) {
  const ModelSettings& settings = model.settings;
  const std::string input =
      settings.input == InputLayer::kOneHot ? "one-hot" : concat("E ", settings.embedding_size);
  return concat(enum_name(settings.cell), ", ", input, ", H ", settings.hidden_size, ", ",
                plural(settings.layers, "layer"), ", V ", model.vocabulary);
}

}  // namespace charrnn
