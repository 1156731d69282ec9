// charrnn_bench sample: characters per second of Sampler, for one stream and several in parallel, with a
// model that has its initial weights. bench/reference/sample_speed.py does the same in PyTorch.
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/counter_random.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/generate/sampler.h"
#include "command_line.h"
#include "options.h"
#include "report.h"

namespace charrnn {
namespace {

using nlohmann::ordered_json;

struct SampleBench : BenchOptions {
  BenchModel model{.settings = {.embedding_size = 64, .hidden_size = 512, .layers = 2, .output_dropout = {}}};
  std::vector<int64_t> streams{1, 64};
  double seconds = 2;
};

struct Case {
  int64_t streams;
  std::vector<double> rates = {};  // characters per second of all streams, one for each round
  int64_t checked = 0;             // characters that were drawn again from CharRnn::forward's logits
  int64_t wrong = 0;               // those that differ from the first draw
  // A few differences are accepted: rounding decides if a draw is close to the border of two characters.
  bool right() const { return checked > 0 && wrong * 1000 <= checked; }
};

Vocabulary vocabulary_of(int64_t size) {
  std::vector<Vocabulary::Character> characters;
  for (int64_t i = 0; i < size; ++i) characters.push_back({static_cast<char32_t>(U' ' + i), 1});
  return Vocabulary::from_counts(characters, {.max_size = {}, .unknown = false}, Unit::kCodePoint);
}

// Adds a round, in which each stream draws one character after another until the time is over.
void draw_for(double seconds, const Sampler& sampler, const std::vector<SampleStream>& streams,
              std::vector<std::string>& texts, Case& result) {
  int64_t drawn = 0;  // timed from the first characters on, which include reading the prefix
  Clock::time_point start;
  texts.assign(streams.size(), "");
  sampler.generate(streams, 1'000'000'000, [&](size_t stream, const std::string& character) {
    texts[stream] += character;
    if (stream + 1 < streams.size()) return true;
    if (drawn == 0) start = Clock::now();
    drawn += static_cast<int64_t>(streams.size());
    return seconds_since(start) < seconds && !is_asked_to_stop();
  });
  stop_when_asked();
  const auto first = static_cast<int64_t>(streams.size());
  result.rates.push_back(static_cast<double>(drawn - first) / seconds_since(start));
}

// Draws the beginning of a text again, from the logits of CharRnn::forward over all of it.
void check_text(const CharRnn& model, const Vocabulary& vocabulary, const SampleStream& stream,
                const std::string& text, Case& result) {
  const c10::AutoGradMode no_grad(false);
  constexpr size_t most = 200;
  std::vector<uint32_t> ids = vocabulary.encode(std::string(stream.prefix) + text);
  ids.resize(std::min(ids.size(), most));
  const std::vector<int64_t> inputs(ids.begin(), ids.end() - 1);
  RnnState state = model.zero_state(1);
  const at::Tensor logits =
      model
          .forward(at::tensor(inputs, at::TensorOptions().dtype(at::kLong)).unsqueeze(0), state, std::nullopt)
          .contiguous();
  const auto V = static_cast<size_t>(logits.size(2));
  for (size_t place = 0; place < inputs.size(); ++place) {
    const uint32_t id = pick({logits.const_data_ptr<float>() + place * V, V}, stream.options,
                             unit_interval(random_bits(stream.options.seed, Draw::kSample, {place})));
    ++result.checked;
    if (id != ids[place + 1]) ++result.wrong;
  }
}

std::vector<Case> measure(const SampleBench& options) {
  const Vocabulary vocabulary = vocabulary_of(options.model.vocabulary);
  CharRnn model(options.model.settings, options.model.vocabulary);
  model.initialize(1);
  const Sampler sampler(model, vocabulary);
  std::vector<Case> cases;
  for (const int64_t count : options.streams) cases.push_back({count});
  for (int round = 0; round < options.rounds; ++round) {
    for (Case& result : cases) {
      std::vector<SampleStream> streams;
      for (int64_t i = 0; i < result.streams; ++i) {
        streams.push_back({" ", {.seed = static_cast<uint64_t>(i * options.rounds + round + 1)}});
      }
      std::vector<std::string> texts;
      draw_for(options.seconds, sampler, streams, texts, result);
      for (size_t i = 0; i < streams.size(); i += 16) {
        check_text(model, vocabulary, streams[i], texts[i], result);
      }
    }
  }
  return cases;
}

BenchReport bench_sample(const SampleBench& options) {
  const int threads = threads_of(options);
  at::set_num_threads(threads);
  const std::string model = concat(to_text(options.model), ", ", plural(threads, "thread"));
  const std::vector<Case> cases = measure(options);
  ordered_json json{{"model", model}};
  std::vector<std::vector<std::string>> rows{
      {"streams", "characters/s", "min..max", "drawn again by forward"}};
  for (const Case& c : cases) {
    json["cases"].push_back({{"streams", c.streams},
                             {"characters_per_second", median_of(c.rates)},
                             {"rates", c.rates},
                             {"checked", c.checked},
                             {"wrong", c.wrong}});
    rows.push_back({std::to_string(c.streams), fixed(median_of(c.rates), 0), spread_of(c.rates, 0),
                    concat(c.checked - c.wrong, " of ", c.checked, c.right() ? " equal" : " equal: WRONG")});
  }
  return {.json = json,
          .text = concat("model     ", model, "\n\n", table_of(rows)),
          .right = std::all_of(cases.begin(), cases.end(), [](const Case& c) { return c.right(); })};
}

}  // namespace

BenchPart add_bench_sample(CLI::App& app) {
  const auto options = std::make_shared<SampleBench>();
  CLI::App* sample =
      app.add_subcommand("sample", "speed of sampling on the CPU, for one stream and for many in parallel");
  add_model(*sample, options->model);
  sample
      ->add_option("--streams", options->streams, "numbers of streams to draw in parallel, one case for each")
      ->delimiter(',')
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  sample->add_option("--seconds", options->seconds, "length of each round of a case, in seconds")
      ->check(above(0))
      ->capture_default_str();
  add_threads(*sample, *options);
  add_rounds(*sample, *options);
  add_json(*sample, *options);
  return
      [options](const BenchHeader& header) { return print(header, bench_sample(*options), options->json); };
}

}  // namespace charrnn
