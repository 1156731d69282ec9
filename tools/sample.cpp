// charrnn_sample RUN: text that a run's model writes, as it comes.
#include <ATen/Parallel.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "checkpoint/run_folder.h"
#include "command_line.h"
#include "core/atomic_file.h"
#include "core/counter_random.h"
#include "core/tool_main.h"
#include "generate/sampler.h"
#include "text/vocabulary.h"

namespace {

using namespace charrnn;

struct Options {
  std::string run;
  std::vector<std::string> prefixes;
  std::string prefix_file;
  int64_t length = 0;
  bool greedy = false;
  bool average = false;
  SampleOptions sample;
  int64_t count = 1;
  bool json = false;
};

// Another prefix draws other numbers, wherever it stands on the command line.
uint64_t seed_of(uint64_t seed, const std::string& prefix, int64_t number) {
  uint64_t bits = random_bits(seed, Draw::kSample, {static_cast<uint64_t>(number)});
  for (const char byte : prefix) bits = mix64(bits ^ static_cast<unsigned char>(byte));
  return bits;
}

int sample(const Options& options) {
  const Checkpoint checkpoint = open_run(options.run);
  const Vocabulary vocabulary = Vocabulary::from_json(checkpoint.vocabulary_json, options.run);
  const CharRnn model = model_of(
      checkpoint, at::kCPU, options.average ? WeightsUsed::kAverage : checkpoint.settings.sample.weights);
  std::vector<std::string> prefixes = options.prefixes;
  if (!options.prefix_file.empty()) prefixes.push_back(read_file(options.prefix_file));
  if (prefixes.empty()) prefixes = checkpoint.settings.sample.prefixes;
  if (prefixes.empty()) prefixes.emplace_back();
  const int64_t length = options.length > 0 ? options.length : checkpoint.settings.sample.length;

  for (const std::string& prefix : prefixes)
    vocabulary.encode(prefix);  // complains before anything is printed

  const Sampler sampler(model, vocabulary);
  const bool has_titles = prefixes.size() > 1 || options.count > 1;
  for (size_t place = 0; place < prefixes.size(); ++place) {
    const std::string& prefix = prefixes[place];
    for (int64_t number = 0; number < options.count; ++number) {
      SampleOptions draw = options.sample;
      if (options.greedy) draw.temperature = 0;
      draw.seed = seed_of(options.sample.seed, prefix, number);
      if (options.json) {
        const nlohmann::ordered_json line{
            {"prefix", prefix}, {"number", number}, {"text", sampler.text(prefix, length, draw)}};
        std::printf("%s\n",
                    line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
        continue;
      }
      if (has_titles)
        std::printf("--- prefix %zu, sample %lld\n", place + 1, static_cast<long long>(number + 1));
      std::fputs(prefix.c_str(), stdout);
      sampler.go_on(prefix, length, draw, [](const std::string& character) {
        std::fputs(character.c_str(), stdout);
        return std::fflush(stdout) == 0;
      });
      std::printf("\n");
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Goes on with a text as a run's model (its best checkpoint, else the newest) would.",
               "charrnn_sample");
  Options options;
  add_version(app);
  app.add_option("run", options.run, "a run's folder or a checkpoint file")->type_name("RUN")->required();
  app.add_option("--prefix", options.prefixes,
                 "text to go on with (repeatable); else the config's sample.prefixes")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_option("--prefix-file", options.prefix_file, "read the prefix from a file")->type_name("FILE");
  app.add_option("-n,--length", options.length, "characters; else the config's sample.length")
      ->check(above(0));
  app.add_option("--temperature", options.sample.temperature, "below 1 safer, above 1 wilder; 0 is greedy")
      ->check(at_least(0))
      ->capture_default_str();
  app.add_flag("--average", options.average, "with the running average of the weights (train.average_decay)");
  app.add_flag("--greedy", options.greedy, "always the likeliest character");
  app.add_option("--top-k", options.sample.top_k, "draw among the k likeliest only")->check(at_least(0));
  app.add_option("--top-p", options.sample.top_p, "draw among the likeliest that hold this share together")
      ->check(above(0));
  app.add_option("--seed", options.sample.seed, "another seed, another text")->capture_default_str();
  app.add_option("--count", options.count, "samples of each prefix")->check(above(0))->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object a sample");
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  return run_tool([&] {
    if (mistake) throw *mistake;
    return sample(options);
  });
}
