// charrnn_bench data: preprocessing beside well known programs that do the same or less.
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench.h"
#include "command_line.h"
#include "core/atomic_file.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/stop_signal.h"
#include "data/corpus_builder.h"
#include "data/describe.h"
#include "text/byte_source.h"
#include "text/utf8.h"

namespace {

using namespace charrnn;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr double kMega = 1e6;
constexpr size_t kPythonBytes = 8'000'000;  // its loop would take minutes for more
constexpr int kWcRounds = 2;                // as slow as it is, it varies little

// A folder for what is large and of no use later.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "charrnn-bench-XXXXXX").string();
    check(mkdtemp(pattern.data()) != nullptr, "expected to make a folder such as ", pattern,
          ", found: ", std::strerror(errno), ": set TMPDIR to a folder with room");
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

// Of the clock on the wall, and of all cores together, which other programs disturb less.
struct Times {
  double wall = 0;
  double cores = 0;
};

double core_seconds(const rusage& used) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

// Runs a program to its end in the C.UTF-8 locale. `take`, where there is one, gets its output; else that
// goes to /dev/null.
Times run_program(std::vector<std::string> words, const std::function<void(std::string_view)>& take = {}) {
  std::array<int, 2> pipe_ends{-1, -1};
  if (take) check(pipe2(pipe_ends.data(), O_CLOEXEC) == 0, "could not make a pipe: ", std::strerror(errno));
  Descriptor from(pipe_ends[0]);
  Descriptor to(pipe_ends[1]);
  std::vector<std::string> environment{"LC_ALL=C.UTF-8"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, "LC_ALL=", 7) != 0) environment.emplace_back(*variable);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (take) {
    posix_spawn_file_actions_adddup2(&actions, to.number(), STDOUT_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  const std::string line = joined(words);
  pid_t child = 0;
  const Clock::time_point start = Clock::now();
  const int failed = posix_spawnp(&child, words[0].c_str(), &actions, nullptr, pointers(words).data(),
                                  pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) fail("could not run ", line, ": ", std::strerror(failed));
  to.close();
  if (take) {
    std::string bytes(size_t{1} << 20, '\0');
    for (ssize_t count = 0; (count = read(from.number(), bytes.data(), bytes.size())) != 0;) {
      if (count > 0) take(std::string_view(bytes).substr(0, static_cast<size_t>(count)));
      if (count < 0 && errno != EINTR) break;
    }
  }
  int status = 0;
  rusage used{};
  while (wait4(child, &status, 0, &used) < 0 && errno == EINTR) {
  }
  const Times times{.wall = seconds_since(start), .cores = core_seconds(used)};
  stop_when_asked();
  check(status == 0, "expected ", line, " to end with 0, found ", WIFEXITED(status) ? "code " : "signal ",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  return times;
}

std::string output_of(const std::vector<std::string>& words) {
  std::string text;
  run_program(words, [&](std::string_view bytes) { text += bytes; });
  return text;
}

// As iconv sees them: four bytes each.
uint64_t characters_by_iconv(const fs::path& file) {
  uint64_t bytes = 0;
  run_program({"iconv", "-f", "utf-8", "-t", "ucs-4le", file.string()},
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

struct DataOptions {
  std::string file;
  std::string data = "data";
  double megabytes = 400;
  int threads = 2;
  int rounds = 5;
  bool json = false;
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
  std::istringstream out(output_of({"/usr/bin/python3", "-c", kPythonLoop, file.string()}));
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

  Case charrnn{.name = concat("charrnn, ", options.threads, options.threads == 1 ? " thread" : " threads"),
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
    build(file, options.threads, scratch.path() / "corpus", charrnn);
    iconv.add(run_program(iconv_words));
    if (round <= kWcRounds) {
      std::string out;
      wc.add(run_program(wc_words, [&](std::string_view part) { out += part; }));
      wc.characters = std::strtoull(out.c_str(), nullptr, 10);
    }
    run_python(beginning, python);
  }
  return {charrnn, iconv, wc, python};
}

std::string with_commas(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t place = text.size(); place > 3;) text.insert(place -= 3, 1, ',');
  return text;
}

int bench_data(const DataOptions& options, ordered_json report) {
  if (!options.file.empty() && !fs::is_regular_file(options.file)) {
    fail_usage("expected a text file in UTF-8, found no ", options.file);
  }
  install_stop_handlers();
  const std::vector<Case> cases = measure_data(options);
  const bool all_right = std::all_of(cases.begin(), cases.end(), [](const Case& c) { return c.right(); });
  const Case& iconv = cases[1];
  if (options.json) {
    for (const Case& c : cases) {
      report["cases"].push_back({{"name", c.name},
                                 {"command", c.command},
                                 {"bytes", c.bytes},
                                 {"seconds", c.seconds},
                                 {"median_seconds", c.median()},
                                 {"median_core_seconds", median_of(c.core_seconds)},
                                 {"megabytes_per_second", c.rate() / kMega},
                                 {"ratio_to_iconv", c.rate() / iconv.rate()},
                                 {"characters", c.characters},
                                 {"expected_characters", c.expected}});
    }
    report["right"] = all_right;
    std::puts(json_line(report).c_str());
    return all_right ? 0 : 1;
  }
  print_header(report);
  std::printf("text      %s, %.1f MB, %s characters, in the page cache\n\n",
              options.file.empty() ? "data/ again and again" : options.file.c_str(),
              static_cast<double>(iconv.bytes) / kMega, with_commas(iconv.expected).c_str());
  std::printf("%-20s %5s %9s  %-17s %7s %8s %9s  %s\n", "", "runs", "median s", "min..max", "core s", "MB/s",
              "to iconv", "characters");
  for (const Case& c : cases) {
    const auto [least, most] = std::minmax_element(c.seconds.begin(), c.seconds.end());
    const std::string spread = [&] {
      std::array<char, 64> text{};
      std::snprintf(text.data(), text.size(), "%.3f..%.3f", *least, *most);
      return std::string(text.data());
    }();
    const std::string verdict =
        c.right() ? "right" : "WRONG: " + with_commas(c.characters) + ", not " + with_commas(c.expected);
    std::printf("%-20s %5zu %9.3f  %-17s %7.3f %8.1f %8.2fx  %s\n", c.name.c_str(), c.seconds.size(),
                c.median(), spread.c_str(), median_of(c.core_seconds), c.rate() / kMega,
                c.rate() / iconv.rate(), verdict.c_str());
  }
  std::printf(
      "\n\"core s\": seconds of all cores together; \"to iconv\" compares MB/s, above 1 is faster.\n"
      "charrnn: from the text to HDF5 shards on disk, normalised, counted and hashed. iconv: UTF-8 to UCS-4, "
      "into\n"
      "/dev/null. python loop: a dict lookup for each character of the first %.1f MB.\n",
      static_cast<double>(cases[3].bytes) / kMega);
  return all_right ? 0 : 1;
}

}  // namespace

namespace charrnn {

std::function<int(const BenchHeader&)> add_bench_data(CLI::App& app) {
  const auto options = std::make_shared<DataOptions>();
  CLI::App* data = app.add_subcommand("data", "preprocessing, beside iconv, wc and Python");
  data->add_option("file", options->file, "a text in UTF-8; else one is made of charrnn's own texts")
      ->type_name("FILE");
  data->add_option("--data", options->data, "the folder with charrnn's own texts")->capture_default_str();
  data->add_option("--megabytes", options->megabytes, "size of the text that is made")
      ->check(at_least(0.1))
      ->capture_default_str();
  data->add_option("--threads", options->threads, "of charrnn")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  data->add_option("--rounds", options->rounds, "how often each is measured, in turns")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  data->add_flag("--json", options->json, "print the report as one line of JSON");
  return [options](const BenchHeader& header) { return bench_data(*options, header); };
}

}  // namespace charrnn
