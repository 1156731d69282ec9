// charrnn_bench data: preprocessing beside well known programs that do the same or less.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "bench.h"
#include "bench_options.h"
#include "bench_program.h"
#include "bench_report.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/clock.h"
#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/corpus/corpus_builder.h"
#include "charrnn/run/metrics.h"
#include "charrnn/text/source/byte_source.h"
#include "charrnn/text/utf8.h"
#include "command_line.h"

namespace {

using namespace charrnn;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr double kMega = 1e6;
constexpr size_t kPythonBytes = 8'000'000;  // its loop would take minutes for more
constexpr int kWcRounds = 2;                // as slow as it is, it varies little

// All run in the C.UTF-8 locale.
Program program(const std::vector<std::string>& words) {
  return {.words = words, .environment = {"LC_ALL=C.UTF-8"}};
}

// As iconv sees them: four bytes each.
uint64_t characters_by_iconv(const fs::path& file) {
  uint64_t bytes = 0;
  run_program(program({"iconv", "-f", "utf-8", "-t", "ucs-4le", file.string()}),
              [&](std::string_view out) { bytes += out.size(); });
  return bytes / 4;
}

// Of the first `most` bytes, those that are whole characters.
void write_beginning(const std::string& text, size_t most, std::ofstream& out) {
  size_t size = std::min(text.size(), most);
  while (size > 0 && size < text.size() && U8_IS_TRAIL(text[size])) --size;
  out.write(text.data(), static_cast<std::streamsize>(size));
}

// The texts of data/, again and again.
void write_text(const fs::path& data, uint64_t bytes, const fs::path& file) {
  std::vector<std::string> texts;
  for (const char* name : {"time_machine/35-0.txt", "andersen/1597-0.txt", "tiny_shakespeare/input.txt",
                           "chinese/tang_poems.txt"}) {
    if (!fs::exists(data / name)) {
      fail_usage("expected charrnn's own texts, found no ", (data / name).string(),
                 ": run this where data/ is, or name a text or --data");
    }
    texts.push_back(read_file(data / name));
  }
  std::ofstream out(file, std::ios::binary);
  uint64_t left = bytes;
  for (size_t i = 0; left > 0 && out; i = (i + 1) % texts.size()) {
    write_beginning(texts[i], left, out);
    left -= std::min<uint64_t>(left, texts[i].size());
  }
  out.close();
  const Descriptor written(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const bool on_disk = fsync(written.number()) == 0;  // writing it out later would disturb what is measured
  check(out && on_disk, "could not write ", bytes, " bytes to ", file.string(),
        ": set TMPDIR to a folder with room");
}

// One of the programs that are compared.
struct Case {
  std::string name;
  std::string command;                    // what ran, "" for what ran in this process
  uint64_t bytes = 0;                     // that one run reads
  std::vector<double> seconds = {};       // one for each run
  std::vector<double> core_seconds = {};  // likewise
  uint64_t characters = 0;                // that it saw
  uint64_t expected = 0;
  bool right() const { return characters == expected; }
  double median() const { return median_of(seconds); }
  void add(const Times& times) {
    seconds.push_back(times.wall);
    core_seconds.push_back(times.cores);
  }
  double rate() const { return static_cast<double>(bytes) / median(); }  // bytes a second
};

struct DataOptions : BenchOptions {
  std::string file;
  std::string data = "data";
  double megabytes = 400;
};

// Counts characters as the manifest says charrnn decoded them, the byte order mark too.
void build(const fs::path& file, int threads, const fs::path& output, Case& result) {
  CorpusSettings settings;
  settings.sources = {file.string()};
  settings.output = output.string();
  settings.normalization = Normalization::kNfc;
  settings.gutenberg = Gutenberg::kKeep;
  settings.vocabulary.min_count = 100;
  settings.vocabulary.max_size = 256;
  fs::remove_all(output);
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_SELF, &before);
  const Clock::time_point start = Clock::now();
  build_corpus(settings, {.progress = [](const BuildProgress&) { stop_when_asked(); }, .threads = threads});
  const double wall = seconds_since(start);
  getrusage(RUSAGE_SELF, &after);
  result.add({.wall = wall, .cores = core_seconds(after) - core_seconds(before)});
  const ordered_json manifest = ordered_json::parse(read_file(output / "manifest.json"));
  const ordered_json& source = manifest.at("sources").at(0);
  result.characters = source.at("decoded").get<uint64_t>();
  std::ifstream in(file, std::ios::binary);
  std::array<char, 3> mark{};
  in.read(mark.data(), mark.size());
  if (std::string_view(mark.data(), mark.size()) == "\xef\xbb\xbf") ++result.characters;
}

// The way of most notebooks; the time is that of reading, sorting and looking up, without Python's start.
constexpr const char* kPythonLoop = R"(
import sys, time
start = time.perf_counter()
text = open(sys.argv[1], encoding="utf-8", newline="").read()
ids = {c: i for i, c in enumerate(sorted(set(text)))}
encoded = []
for c in text:
    encoded.append(ids[c])
print(len(encoded), time.perf_counter() - start, time.process_time())
)";

void run_python(const fs::path& file, Case& result) {
  std::istringstream out(output_of(program({"/usr/bin/python3", "-c", kPythonLoop, file.string()})));
  Times times;
  out >> result.characters >> times.wall >> times.cores;
  check(bool(out), "expected three numbers of Python's loop, found ", out.str());
  result.add(times);
}

std::vector<Case> measure_data(const DataOptions& options) {
  const ScratchFolder scratch;
  fs::path file = options.file;
  if (file.empty()) {
    file = scratch.path() / "text.txt";
    write_text(options.data, static_cast<uint64_t>(options.megabytes * kMega), file);
  }
  hash_of_file(file);  // read once: from here on it lies in the page cache
  const uint64_t bytes = fs::file_size(file);
  check(fs::space(scratch.path()).available > bytes + bytes / 4, "expected room for a corpus of ", bytes,
        " bytes in ", scratch.path().string(), ": set TMPDIR to a folder with more");

  const fs::path beginning = scratch.path() / "beginning.txt";
  {
    std::ifstream in(file, std::ios::binary);
    std::string text(std::min<uint64_t>(bytes, kPythonBytes + U8_MAX_LENGTH), '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    std::ofstream out(beginning, std::ios::binary);
    write_beginning(text, kPythonBytes, out);
  }
  const uint64_t expected = characters_by_iconv(file);

  const int threads = threads_of(options);
  Case charrnn{.name = concat("charrnn, ", threads, threads == 1 ? " thread" : " threads"),
               .command = "",
               .bytes = bytes,
               .expected = expected};
  const std::vector<std::string> iconv_words{"iconv", "-f", "utf-8", "-t", "ucs-4le", file.string()};
  Case iconv{.name = "iconv", .command = joined(iconv_words), .bytes = bytes, .expected = expected};
  const std::vector<std::string> wc_words{"wc", "-m", file.string()};
  Case wc{.name = "wc -m", .command = joined(wc_words), .bytes = bytes, .expected = expected};
  Case python{.name = "python loop",
              .command = "/usr/bin/python3: encoded.append(ids[c]) for each c",
              .bytes = fs::file_size(beginning),
              .expected = characters_by_iconv(beginning)};
  iconv.characters = expected;
  for (int round = 1; round <= options.rounds; ++round) {
    std::fprintf(stderr, "round %d of %d\n", round, options.rounds);
    build(file, threads, scratch.path() / "corpus", charrnn);
    iconv.add(run_program(program(iconv_words)));
    if (round <= kWcRounds) {
      std::string out;
      wc.add(run_program(program(wc_words), [&](std::string_view part) { out += part; }));
      wc.characters = std::strtoull(out.c_str(), nullptr, 10);
    }
    run_python(beginning, python);
  }
  return {charrnn, iconv, wc, python};
}

std::string verdict(const Case& c) {
  const auto number = [](uint64_t count) { return with_thousands(static_cast<int64_t>(count)); };
  return c.right() ? "right" : "WRONG: " + number(c.characters) + ", not " + number(c.expected);
}

std::string text_of(const std::vector<Case>& cases, const DataOptions& options) {
  const Case& iconv = cases[1];
  std::vector<std::vector<std::string>> rows{
      {"", "runs", "median s", "min..max", "core s", "MB/s", "to iconv", "characters"}};
  for (const Case& c : cases) {
    rows.push_back({c.name, std::to_string(c.seconds.size()), fixed(c.median(), 3), spread_of(c.seconds, 3),
                    fixed(median_of(c.core_seconds), 3), fixed(c.rate() / kMega, 1),
                    fixed(c.rate() / iconv.rate(), 2) + "x", verdict(c)});
  }
  return concat(
      "text      ", options.file.empty() ? "data/ again and again" : options.file, ", ",
      fixed(static_cast<double>(iconv.bytes) / kMega, 1), " MB, ",
      with_thousands(static_cast<int64_t>(iconv.expected)), " characters, in the page cache\n\n",
      table_of(rows),
      "\n\"core s\": seconds of all cores together; \"to iconv\" compares MB/s, above 1 is faster.\n"
      "charrnn: from the text to HDF5 shards on disk, normalised, counted and hashed. iconv: UTF-8 to "
      "UCS-4, into\n/dev/null. python loop: a dict lookup for each character of the first ",
      fixed(static_cast<double>(cases[3].bytes) / kMega, 1), " MB.\n");
}

ordered_json json_of(const std::vector<Case>& cases) {
  ordered_json json;
  for (const Case& c : cases) {
    json["cases"].push_back({{"name", c.name},
                             {"command", c.command},
                             {"bytes", c.bytes},
                             {"seconds", c.seconds},
                             {"median_seconds", c.median()},
                             {"median_core_seconds", median_of(c.core_seconds)},
                             {"megabytes_per_second", c.rate() / kMega},
                             {"ratio_to_iconv", c.rate() / cases[1].rate()},
                             {"characters", c.characters},
                             {"expected_characters", c.expected}});
  }
  return json;
}

BenchReport bench_data(const DataOptions& options) {
  if (!options.file.empty() && !fs::is_regular_file(options.file)) {
    fail_usage("expected a text file in UTF-8, found no ", options.file);
  }
  const std::vector<Case> cases = measure_data(options);
  return {.json = json_of(cases),
          .text = text_of(cases, options),
          .right = std::all_of(cases.begin(), cases.end(), [](const Case& c) { return c.right(); })};
}

}  // namespace

namespace charrnn {

BenchPart add_bench_data(CLI::App& app) {
  const auto options = std::make_shared<DataOptions>();
  CLI::App* data = app.add_subcommand("data", "preprocessing, beside iconv, wc and Python");
  data->add_option("file", options->file, "a text in UTF-8; else one is made of charrnn's own texts")
      ->type_name("FILE");
  data->add_option("--data", options->data, "the folder with charrnn's own texts")->capture_default_str();
  data->add_option("--megabytes", options->megabytes, "size of the text that is made")
      ->check(at_least(0.1))
      ->capture_default_str();
  add_threads(*data, *options);
  add_rounds(*data, *options);
  add_json(*data, *options);
  return [options](const BenchHeader& header) { return print(header, bench_data(*options), options->json); };
}

}  // namespace charrnn
