#include "text/sources.h"

#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <sstream>
#include <system_error>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/system_reason.h"
#include "text/byte_source.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWildcards = "*?[";
constexpr std::string_view kStandardInput = "-";
constexpr size_t kSpoolBytes = size_t{1} << 16;

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with(".");
}

SourceFormat format_of(fs::path file) {
  if (file.extension() == ".gz" || file.extension() == ".zst") file.replace_extension();
  const bool is_json = file.extension() == ".jsonl" || file.extension() == ".ndjson";
  return is_json ? SourceFormat::kJsonLines : SourceFormat::kText;
}

Source source_of(const fs::path& file, const std::string& name, const SourceSettings& given,
                 const CorpusSettings& settings) {
  Source source;
  source.file = file;
  source.name = name;
  source.format = given.json_field ? SourceFormat::kJsonLines : format_of(file);
  source.encoding = given.encoding ? given.encoding : settings.encoding;
  source.json_field = given.json_field.value_or(settings.json_field);
  return source;
}

// The folder that a glob starts from: all that comes before the first component with a wildcard.
fs::path fixed_part(const fs::path& pattern) {
  fs::path fixed;
  for (const fs::path& part : pattern) {
    if (part.string().find_first_of(kWildcards) != std::string::npos) break;
    fixed /= part;
  }
  return fixed;
}

// Collects the files of one entry of corpus.sources.
class Finder {
 public:
  Finder(const SourceSettings& given, const CorpusSettings& settings, std::vector<SourceProblem>& problems)
      : given_(given), settings_(settings), problems_(problems) {}

  std::vector<Source> find() {
    const std::string& text = given_.path;
    const fs::path path = fs::path(text).lexically_normal();
    std::error_code none;
    if (fs::is_directory(path, none)) {
      const fs::path folder = path.has_filename() ? path : path.parent_path();
      const size_t problems = problems_.size();
      add_folder(folder, folder);
      if (found_.empty() && problems_.size() == problems) {
        problem(text, "is a folder without files: put text files into it");
      }
    } else if (fs::exists(fs::symlink_status(path, none))) {
      add_path(path, path.parent_path());
    } else if (text.find_first_of(kWildcards) != std::string::npos) {
      add_glob(path);
    } else {
      problem(text, concat("is not there, seen from ", fs::current_path().string(), ": correct the path"));
    }
    std::sort(found_.begin(), found_.end(), [](const Source& a, const Source& b) { return a.name < b.name; });
    return std::move(found_);
  }

 private:
  void problem(const std::string& name, const std::string& reason) { problems_.push_back({name, reason}); }

  void add_path(const fs::path& path, const fs::path& base) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) return add_folder(path, base);
    if (!fs::is_regular_file(status)) {
      return problem(path.string(), error ? "cannot be reached: " + error.message() + ": correct or remove it"
                                          : "is neither a file nor a folder: name a regular file");
    }
    Source source = source_of(path, path.lexically_relative(base).generic_string(), given_, settings_);
    source.bytes = fs::file_size(path, error);
    found_.push_back(std::move(source));
  }

  void add_folder(const fs::path& folder, const fs::path& base) {
    std::error_code error;
    auto entry = fs::directory_iterator(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const bool link_to_folder = entry->is_symlink() && fs::is_directory(fs::status(entry->path(), error));
      error.clear();
      if (!is_hidden(entry->path()) && !link_to_folder) add_path(entry->path(), base);
    }
    if (error) {
      problem(folder.string(),
              "is a folder that cannot be read: " + error.message() + ": correct its permissions");
    }
  }

  void add_glob(const fs::path& pattern) {
    glob_t found = {};
    // Of the folders that it looks into, those that are none or not there have nothing that matches.
    const auto give_up = [](const char*, int error) -> int {
      return error != ENOENT && error != ENOTDIR && error != ELOOP ? 1 : 0;
    };
    const int result = glob(pattern.c_str(), GLOB_NOSORT, give_up, &found);
    const std::vector<fs::path> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    globfree(&found);
    if (result != 0 && result != GLOB_NOMATCH) {
      return problem(given_.path,
                     "is a glob with a folder in it that cannot be read: correct its permissions");
    }
    for (const fs::path& match : paths) add_path(match, fixed_part(pattern));
    if (paths.empty()) {
      problem(given_.path, concat("is a glob that no file matches, seen from ", fs::current_path().string(),
                                  ": correct the pattern or put files there"));
    }
  }

  const SourceSettings& given_;
  const CorpusSettings& settings_;
  std::vector<SourceProblem>& problems_;
  std::vector<Source> found_;
};

Source spool_standard_input(const SourceSettings& given, const CorpusSettings& settings,
                            const fs::path& folder) {
  Source source = source_of(folder / "standard-input.zst", "standard-input", given, settings);
  CompressedFile copy(source.file);
  Hasher hasher;
  std::string block(kSpoolBytes, '\0');
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    check(count >= 0, "reading standard input stopped at byte ", source.bytes, ": ", system_reason(),
          ": run again with input that stays");
    if (count == 0) break;
    const std::span<const char> bytes = std::span(block).first(static_cast<size_t>(count));
    copy.write(bytes);
    hasher.add(std::as_bytes(bytes));
    source.bytes += bytes.size();
  }
  if (source.bytes == 0) fail_usage("standard input (- in corpus.sources) is empty: pipe text into it");
  copy.finish();
  source.hash = hasher.hex();
  return source;
}

// @FILE stands for the lines of that file.
std::vector<SourceSettings> expand_lists(const std::vector<SourceSettings>& given) {
  std::vector<SourceSettings> expanded;
  for (const SourceSettings& source : given) {
    if (!source.path.starts_with('@')) {
      expanded.push_back(source);
      continue;
    }
    for (const std::string& line : read_list(source.path.substr(1), "corpus.sources")) {
      expanded.push_back(source);
      expanded.back().path = line;
    }
  }
  return expanded;
}

}  // namespace

std::vector<std::string> read_list(const fs::path& file, const std::string& setting) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail_usage("the list @", file.string(), " of ", setting, " is not a regular file: name a file with one ",
               "entry a line");
  }
  std::string text;
  try {
    text = read_file(file);
  } catch (const Error& problem) {
    fail_usage("the list @", file.string(), " of ", setting, " cannot be read: ", problem.what());
  }
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

FoundSources find_sources(const CorpusSettings& settings, const fs::path& spool_folder) {
  if (settings.sources.empty()) {
    fail_usage("corpus.sources is empty: expected at least one file, folder, glob, @LIST or - ",
               "(standard input)");
  }
  FoundSources all;
  std::set<fs::path> seen;
  for (const SourceSettings& given : expand_lists(settings.sources)) {
    const bool standard_input = given.path == kStandardInput;
    if (standard_input && !seen.insert(kStandardInput).second) continue;
    std::vector<Source> found;
    if (standard_input) {
      found.push_back(spool_standard_input(given, settings, spool_folder));
    } else {
      found = Finder(given, settings, all.problems).find();
    }
    for (Source& source : found) {
      std::error_code error;
      const fs::path place = fs::weakly_canonical(source.file, error);
      if (!standard_input && !seen.insert(place).second) {
        log::warning(source.file.string() + " is in corpus.sources more than once: read once");
        continue;
      }
      all.sources.push_back(std::move(source));
    }
  }
  return all;
}

}  // namespace charrnn
