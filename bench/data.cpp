// charrnn_bench data FILE: preprocessing of a UTF-8 text, from the file to HDF5 shards on disk, with
// normalization, counting and hashing. bench/data.py compares it with iconv, wc and a Python loop.
#include <sys/resource.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/corpus/corpus_builder.h"
#include "options.h"
#include "report.h"
#include "scratch_folder.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr double kMega = 1e6;

struct DataOptions : BenchOptions {
  std::string file;
};

struct Measured {
  std::vector<double> seconds = {};       // one for each round
  std::vector<double> core_seconds = {};  // likewise, CPU time of all cores, which other programs affect less
  uint64_t characters = 0;                // that were decoded
  uint64_t expected = 0;
  bool right() const { return characters == expected; }
};

// In UTF-8 each byte that does not continue a character starts one.
uint64_t characters_in(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string block(size_t{1} << 20, '\0');
  uint64_t count = 0;
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    for (std::streamsize i = 0; i < in.gcount(); ++i) {
      count += (static_cast<unsigned char>(block[static_cast<size_t>(i)]) & 0xc0U) != 0x80U ? 1 : 0;
    }
  }
  return count;
}

bool begins_with_mark(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<char, 3> bytes{};
  in.read(bytes.data(), bytes.size());
  return std::string_view(bytes.data(), bytes.size()) == "\xef\xbb\xbf";
}

double core_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

CorpusSettings settings_of(const fs::path& file, const fs::path& output) {
  CorpusSettings settings;
  settings.sources = {file.string()};
  settings.output = output.string();
  settings.normalization = Normalization::kNfc;
  settings.gutenberg = Gutenberg::kKeep;
  settings.vocabulary.min_count = 100;
  settings.vocabulary.max_size = 256;
  return settings;
}

// Adds a round. Characters are counted as in the manifest, plus the byte order mark.
void build(const fs::path& file, int threads, const fs::path& output, Measured& result) {
  fs::remove_all(output);
  const double cores_before = core_seconds();
  const Clock::time_point start = Clock::now();
  build_corpus(settings_of(file, output),
               {.progress = [](const BuildProgress&) { stop_when_asked(); }, .threads = threads});
  result.seconds.push_back(seconds_since(start));
  result.core_seconds.push_back(core_seconds() - cores_before);
  const auto manifest = nlohmann::ordered_json::parse(read_file(output / "manifest.json"));
  result.characters = manifest.at("sources").at(0).at("decoded").get<uint64_t>();
  if (begins_with_mark(file)) ++result.characters;
}

Measured measure(const fs::path& file, int threads, int rounds) {
  const ScratchFolder scratch;
  const uint64_t bytes = fs::file_size(file);
  check(fs::space(scratch.path()).available > bytes + bytes / 4, "expected space for a corpus of ", bytes,
        " bytes in ", scratch.path().string(), ": set TMPDIR to a folder with more free space");
  Measured result{.expected = characters_in(file)};  // after this the file is in the page cache
  for (int round = 0; round < rounds; ++round) build(file, threads, scratch.path() / "corpus", result);
  return result;
}

BenchReport bench_data(const DataOptions& options) {
  if (!fs::is_regular_file(options.file)) {
    fail_usage("expected a text file in UTF-8, found no file ", options.file);
  }
  const int threads = threads_of(options);
  const Measured result = measure(options.file, threads, options.rounds);
  const auto bytes = static_cast<double>(fs::file_size(options.file));
  const auto number = [](uint64_t count) { return with_thousands(static_cast<int64_t>(count)); };
  const double rate = bytes / median_of(result.seconds);
  return {.json = {{"file", options.file},
                   {"bytes", fs::file_size(options.file)},
                   {"threads", threads},
                   {"seconds", result.seconds},
                   {"core_seconds", result.core_seconds},
                   {"megabytes_per_second", rate / kMega},
                   {"characters", result.characters},
                   {"expected_characters", result.expected}},
          .text = concat("text      ", options.file, ", ", fixed(bytes / kMega, 1), " MB, ",
                         number(result.expected), " characters, in the page cache\n\n",
                         table_of({{"", "rounds", "median s", "min..max", "core s", "MB/s", "characters"},
                                   {plural(threads, "thread"), std::to_string(options.rounds),
                                    fixed(median_of(result.seconds), 3), spread_of(result.seconds, 3),
                                    fixed(median_of(result.core_seconds), 3), fixed(rate / kMega, 1),
                                    result.right() ? "right" : "WRONG: " + number(result.characters)}}),
                         "\n\"core s\": CPU time of all cores together, in seconds\n"),
          .right = result.right()};
}

}  // namespace

BenchPart add_bench_data(CLI::App& app) {
  const auto options = std::make_shared<DataOptions>();
  CLI::App* data = app.add_subcommand("data", "speed of preprocessing a UTF-8 text");
  data->add_option("file", options->file, "text file in UTF-8")->type_name("FILE")->required();
  add_threads(*data, *options);
  add_rounds(*data, *options);
  add_json(*data, *options);
  return [options](const BenchHeader& header) { return print(header, bench_data(*options), options->json); };
}

}  // namespace charrnn
