// charrnn_sample RUN: writes text with a run's model. A single text is printed character by character,
// several are drawn in parallel.
#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "charrnn/core/clock.h"
#include "charrnn/core/tool_main.h"
#include "charrnn/generate/prefixes.h"
#include "charrnn/generate/sampler.h"
#include "charrnn/generate/trained_model.h"
#include "charrnn/text/source/small_text.h"
#include "command_line.h"

namespace charrnn {
namespace {

struct Options {
  std::string run;
  std::vector<std::string> prefixes;
  std::string prefix_file;
  std::vector<double> temperatures;
  bool greedy = false;
  bool average = false;
  ContinueOptions sample;
  int64_t count = 1;
  bool json = false;
};

// The values of an enumeration by the names that config files give them.
template <class Enum>
std::map<std::string, Enum> values_by_name() {
  std::map<std::string, Enum> values;
  for (const std::string_view name : names_of(Enum{})) {
    values.emplace(name, *enum_value<Enum>(name));
  }
  return values;
}

// The error message for --seed, empty if `text` is a valid seed.
std::string seed_mistake(const std::string& text) {
  uint64_t seed = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), seed);
  const bool is_seed = result.ec == std::errc() && result.ptr == text.data() + text.size();
  return is_seed ? std::string() : concat("expected a whole number from 0 to 2^64 - 1, found ", text);
}

void add_options(CLI::App& app, Options& options) {
  add_version(app);
  app.add_option("run", options.run, "a run's folder or a checkpoint file")->type_name("RUN")->required();
  app.add_option("--prefix", options.prefixes,
                 "text to continue (repeatable); default: sample.prefixes of the run's config")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_option("--prefix-file", options.prefix_file, "read the prefix from a file, or - for standard input")
      ->type_name("FILE");
  app.add_option("-n,--length", options.sample.length,
                 "length of each text, in characters; default: sample.length of the run's config")
      ->check(above(0));
  app.add_option(
         "--temperature", options.temperatures,
         "below 1: closer to the likeliest characters; above 1: more random; greedy (or 0): always the "
         "likeliest character; several: 0.5,1,greedy [1]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(at_least(0))
      ->transform(CLI::Transformer(std::map<std::string, std::string>{{"greedy", "0"}}))
      ->type_name("NUMBER");
  app.add_flag("--average", options.average, "use the running average of the weights (train.average_decay)");
  app.add_flag("--greedy", options.greedy, "the same as --temperature greedy");
  app.add_option("--top-k", options.sample.top_k, "draw only from the K likeliest characters; 0: from all")
      ->check(at_least(0));
  app.add_option("--top-p", options.sample.top_p,
                 "draw only from the likeliest characters whose probabilities add up to this")
      ->check(above(0));
  app.add_option("--unknown", options.sample.unknown,
                 "what to do with a prefix's characters that are not in the vocabulary: error, unk (read "
                 "them as <unk>) or skip; default: sample.unknown_characters of the run's config")
      ->transform(CLI::CheckedTransformer(values_by_name<UnknownCharacters>()));
  app.add_option("--seed", options.sample.seed,
                 "seed of the random numbers: the same seed gives the same text")
      ->check(CLI::Validator(seed_mistake, "NUMBER"))
      ->capture_default_str();
  app.add_option("--count", options.count, "number of samples for each prefix and temperature")
      ->check(above(0))
      ->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object for each sample");
}

// A text to draw, with its numbers for the output.
struct Sample {
  SampleStream stream;
  size_t prefix;   // index of the prefix
  int64_t number;  // index among the samples of this prefix and temperature
};

// Prints texts on standard output.
class Printer {
 public:
  Printer(bool is_json, bool has_targets, bool has_titles)
      : is_json_(is_json), has_targets_(has_targets), has_titles_(has_titles) {}

  void print(const Sample& sample, const std::string& text) const {
    if (is_json_) {
      print_json(sample, text);
      return;
    }
    begin(sample);
    write(text);
    write("\n");
  }

  // Prints each character as soon as it is drawn.
  void print(const Sample& sample, const Sampler& sampler, int64_t length) const {
    begin(sample);
    sampler.generate(sample.stream.prefix, length, sample.stream.options, [](const std::string& character) {
      write(character);
      return std::fflush(stdout) == 0;
    });
    write("\n");
  }

 private:
  // The text may contain NUL characters.
  static void write(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

  void begin(const Sample& sample) const {
    if (has_titles_) {
      std::printf("--- prefix %zu, %s, sample %lld\n", sample.prefix + 1,
                  temperature_text(sample.stream.options.temperature).c_str(),
                  static_cast<long long>(sample.number + 1));
    }
    write(sample.stream.prefix);
    if (has_targets_) write(" -> ");
  }

  static void print_json(const Sample& sample, const std::string& text) {
    const nlohmann::ordered_json line{{"prefix", sample.stream.prefix},
                                      {"number", sample.number},
                                      {"temperature", sample.stream.options.temperature},
                                      {"text", text}};
    write(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  }

  bool is_json_;
  bool has_targets_;
  bool has_titles_;
};

// Draws texts in parallel, at most 64 at a time: more would not be faster.
void draw_together(const std::vector<Sample>& samples, const Sampler& sampler, int64_t length,
                   const Printer& printer) {
  constexpr size_t most = 64;
  for (size_t first = 0; first < samples.size(); first += most) {
    const std::span<const Sample> part =
        std::span(samples).subspan(first, std::min(most, samples.size() - first));
    std::vector<SampleStream> streams;
    for (const Sample& sample : part) streams.push_back(sample.stream);
    const std::vector<std::string> texts = sampler.texts(streams, length);
    for (size_t i = 0; i < part.size(); ++i) printer.print(part[i], texts[i]);
    if (std::fflush(stdout) != 0) return;
  }
}

// The prefixes as they are continued and printed: cleaned as the corpus was.
std::vector<std::string> prefixes_of(const Options& options, const TrainedModel& trained) {
  std::vector<std::pair<const char*, std::string>> given;
  for (const std::string& prefix : options.prefixes) given.emplace_back("--prefix", prefix);
  if (!options.prefix_file.empty())
    given.emplace_back("--prefix-file",
                       read_small_text(options.prefix_file == "-" ? "/dev/stdin" : options.prefix_file));
  if (given.empty()) {
    for (const std::string& prefix : trained.settings().sample.prefixes)
      given.emplace_back("sample.prefixes", prefix);
  }
  if (given.empty()) given.emplace_back("", "");
  std::vector<std::string> prefixes;
  for (const auto& [name, prefix] : given) {
    const CleanPrefix clean = trained.clean(prefix);
    report_cleaning(name, clean);
    prefixes.push_back(clean.text);
  }
  return prefixes;
}

// Progress on standard error while a long prefix is read.
class ReadingLine {
 public:
  void show(int64_t done, int64_t total) {
    const bool is_last = done == total && is_shown_;
    if (seconds_since(shown_) < (is_terminal_ ? 0.5 : 10.0) && !is_last) return;
    shown_ = Clock::now();
    is_shown_ = true;
    std::fprintf(stderr, "%sreading the prefix: %lld of %lld characters%s", is_terminal_ ? "\r" : "",
                 static_cast<long long>(done), static_cast<long long>(total),
                 is_terminal_ && !is_last ? "" : "\n");
  }

 private:
  const bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  Clock::time_point shown_ = Clock::now();
  bool is_shown_ = false;
};

// One sample for each prefix, temperature and number, in this order.
std::vector<Sample> samples_of(const Options& options, const TrainedModel& trained,
                               const std::vector<std::string>& prefixes) {
  std::vector<std::optional<double>> temperatures(options.temperatures.begin(), options.temperatures.end());
  if (options.greedy) temperatures.emplace_back(0);
  if (temperatures.empty()) temperatures.emplace_back();
  std::vector<Sample> samples;
  for (size_t place = 0; place < prefixes.size(); ++place) {
    for (const std::optional<double>& temperature : temperatures) {
      for (int64_t number = 0; number < options.count; ++number) {
        ContinueOptions one = options.sample;
        one.temperature = temperature;
        one.number = number;
        samples.push_back({{prefixes[place], trained.sample_options(prefixes[place], one)}, place, number});
      }
    }
    // Throws before anything is printed.
    trained.vocabulary().encode(prefixes[place], samples.back().stream.options.unknown);
  }
  return samples;
}

int sample(const Options& options) {
  ModelOptions which;
  if (options.average) which.weights = WeightsUsed::kAverage;
  const TrainedModel trained = TrainedModel::open(options.run, which);
  const std::vector<std::string> prefixes = prefixes_of(options, trained);
  const std::vector<Sample> samples = samples_of(options, trained, prefixes);

  Sampler sampler = trained.new_sampler();
  ReadingLine line;
  sampler.on_progress([&](int64_t done, int64_t total) { line.show(done, total); });
  const Printer printer(options.json, trained.has_targets(), samples.size() > 1);
  const int64_t length = options.sample.length.value_or(trained.settings().sample.length);
  if (samples.size() == 1 && !options.json) {
    printer.print(samples[0], sampler, length);
  } else {
    draw_together(samples, sampler, length, printer);
  }
  return 0;
}

int run_command(int argc, char** argv) {
  CLI::App app("Continues a text with a run's model (the best checkpoint, else the newest).",
               "charrnn_sample");
  Options options;
  add_options(app, options);
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  return run_tool([&] {
    if (mistake) throw *mistake;
    return sample(options);
  });
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_command(argc, argv);
}
