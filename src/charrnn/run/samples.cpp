#include "charrnn/run/samples.h"

#include "charrnn/core/counter_random.h"
#include "charrnn/generate/prefixes.h"
#include "charrnn/generate/sampler.h"

namespace charrnn {

std::optional<std::vector<Sample>> draw_samples(const CharRnn& model, const CorpusFolder& corpus,
                                                const Settings& settings, int64_t step, Communicator& comm,
                                                StopToken stop) {
  Sampler sampler(model, corpus.vocabulary(), corpus.has_targets());
  sampler.on_progress([&](auto, auto) { comm.heartbeat(); });  // while it reads a long prefix
  const std::vector<std::string> prefixes = cleaned_prefixes(settings);
  const auto& temperatures = settings.sample.temperatures;
  std::vector<Sample> samples;
  for (size_t p = 0; p < prefixes.size(); ++p) {
    for (size_t t = 0; t < temperatures.size(); ++t) {
      const SampleOptions options{.temperature = temperatures[t].value,
                                  .seed = random_bits(static_cast<uint64_t>(settings.run.seed), Draw::kSample,
                                                      {static_cast<uint64_t>(step), p, t}),
                                  .unknown = settings.sample.unknown_characters};
      Sample sample{prefixes[p], temperatures[t].value, ""};
      const bool is_whole = sampler.generate(
          prefixes[p], settings.sample.length, options,
          [&](const std::string& next) {
            sample.text += next;
            comm.heartbeat();
            return true;
          },
          stop);
      if (!is_whole) return std::nullopt;
      samples.push_back(std::move(sample));
    }
  }
  return samples;
}

}  // namespace charrnn
