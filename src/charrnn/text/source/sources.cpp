#include "charrnn/text/source/sources.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <set>
#include <system_error>

#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"
#include "charrnn/core/log.h"
#include "charrnn/core/number_text.h"
#include "charrnn/core/path_expansion.h"
#include "charrnn/core/system_reason.h"
#include "charrnn/text/source/compressed_file.h"
#include "charrnn/text/source/glob.h"
#include "charrnn/text/source/list_file.h"
#include "charrnn/text/source/own_files.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStandardInput = "-";
constexpr size_t kSpoolBytes = size_t{1} << 16;

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

SourceFormat format_of(fs::path file) {
  const auto ends_in = [&](std::initializer_list<const char*> endings) {
    const std::string ending = lower_ascii(file.extension());
    return std::find(endings.begin(), endings.end(), ending) != endings.end();
  };
  if (ends_in({".gz", ".zst"})) file.replace_extension();
  return ends_in({".jsonl", ".jsonlines", ".ndjson"}) ? SourceFormat::kJsonLines : SourceFormat::kText;
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
    if (has_wildcards(part.string())) break;
    fixed /= part;
  }
  return fixed;
}

// Collects the files of one entry of corpus.sources.
class Finder {
 public:
  Finder(const SourceSettings& given, const CorpusSettings& settings, OwnFiles& own_files, FoundSources& all)
      : given_(given), settings_(settings), own_files_(own_files), all_(all) {}

  std::vector<Source> find() {
    const std::string& text = given_.path;
    const fs::path path = fs::path(text).lexically_normal();
    std::error_code none;
    if (fs::exists(path, none)) refuse_output(path);
    const size_t notes = all_.problems.size() + all_.own_files.size();
    if (fs::is_directory(path, none)) {
      const fs::path folder = path.has_filename() ? path : path.parent_path();
      add_folder(folder, folder);
      if (found_.empty() && all_.problems.size() + all_.own_files.size() == notes) {
        problem(text, "is a folder without files: put text files into it");
      }
    } else if (fs::exists(fs::symlink_status(path, none))) {
      is_named_itself_ = true;
      add_path(path, path.parent_path());
    } else if (has_wildcards(text)) {
      add_glob(path);
    } else {
      problem(text, concat("does not exist (seen from ", fs::current_path().string(), "): correct the path"));
    }
    if (!links_left_out_.empty()) {
      log::warning(concat(plural(static_cast<int64_t>(links_left_out_.size()), "link"), " to a folder below ",
                          text, " left out, such as ", links_left_out_.front(),
                          ": to read a folder that is a link, list it in corpus.sources"));
    }
    std::sort(found_.begin(), found_.end(), [](const Source& a, const Source& b) { return a.name < b.name; });
    return std::move(found_);
  }

 private:
  void problem(const std::string& name, const std::string& reason) {
    all_.problems.push_back({name, reason});
  }

  // A file that an entry lists by its own path is read, even if it belongs to another corpus or run.
  void refuse_output(const fs::path& path) {
    const OwnFiles::Owner owner = own_files_.owner_of(path);
    if (!owner.is_output) return;
    fail_usage(given_.path, " of corpus.sources is in ", owner.what, " (", owner.folder,
               "), which charrnn writes itself: leave it out of corpus.sources, or set ", owner.what,
               " to another folder");
  }

  bool is_own(const fs::path& file) {
    if (is_named_itself_) return false;
    const OwnFiles::Owner owner = own_files_.owner_of(file);
    if (owner.folder.empty()) return false;
    auto& list = all_.own_files;
    auto noted =
        std::find_if(list.begin(), list.end(), [&](const auto& n) { return n.folder == owner.folder; });
    if (noted == list.end()) noted = list.insert(list.end(), {owner.folder, owner.what, {}});
    std::error_code none;
    noted->files.insert(fs::weakly_canonical(file, none));
    return true;
  }

  void add_path(const fs::path& path, const fs::path& base) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) return add_folder(path, base);
    if (!fs::is_regular_file(status)) {
      return problem(path.string(), error ? "cannot be reached: " + error.message() + ": correct or remove it"
                                          : "is neither a file nor a folder: list a regular file");
    }
    if (is_own(path)) return;
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
      if (is_hidden(entry->path())) continue;
      if (link_to_folder) {
        links_left_out_.push_back(entry->path().string());
      } else {
        add_path(entry->path(), base);
      }
    }
    if (error) {
      problem(folder.string(),
              "is a folder that cannot be read: " + error.message() + ": correct its permissions");
    }
  }

  void add_glob(const fs::path& pattern) {
    const GlobMatches matches = match_glob(pattern);
    if (!matches.unreadable.empty()) {
      problem(given_.path, concat("is a glob that covers a folder that cannot be read, ",
                                  matches.unreadable.front().string(), ": correct its permissions"));
    } else if (matches.paths.empty()) {
      problem(given_.path, concat("is a glob that matches no file (seen from ", fs::current_path().string(),
                                  "): correct the pattern, or add files"));
    }
    for (const fs::path& match : matches.paths) add_path(match, fixed_part(pattern));
    // A file may also match by its folder, and by several links.
    std::set<fs::path> places;
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Source& a, const Source& b) { return a.name < b.name; });
    std::erase_if(found_, [&](const Source& source) {
      std::error_code none;
      return !places.insert(fs::weakly_canonical(source.file, none)).second;
    });
  }

  const SourceSettings& given_;
  const CorpusSettings& settings_;
  OwnFiles& own_files_;
  FoundSources& all_;
  std::vector<Source> found_;
  std::vector<std::string> links_left_out_;  // to folders
  bool is_named_itself_ = false;             // the entry is the path of the file
};

Source spool_standard_input(const SourceSettings& given, const CorpusSettings& settings,
                            const fs::path& folder, StopToken stop) {
  Source source = source_of(folder / "standard-input.zst", "standard-input", given, settings);
  CompressedFile copy(source.file);
  Hasher hasher;
  std::string block(kSpoolBytes, '\0');
  for (;;) {
    if (stop.stop_requested()) {
      fail_stopped("stopped by ", stop.reason(), " while reading standard input: nothing was changed");
    }
    pollfd input{STDIN_FILENO, POLLIN, 0};
    constexpr int look_at_token = 200;  // ms
    const int ready = poll(&input, 1, look_at_token);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t count = read(STDIN_FILENO, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    check(count >= 0, "reading standard input stopped at byte ", source.bytes, ": ", system_reason(),
          ": run again with input that stays open");
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
      expanded.back().path = expand_path(line);
    }
  }
  return expanded;
}

}  // namespace

FoundSources find_sources(const CorpusSettings& settings, const fs::path& spool_folder,
                          const fs::path& run_output, StopToken stop) {
  if (settings.sources.empty()) {
    fail_usage("corpus.sources is empty: expected at least one file, folder, glob, @LIST or - ",
               "(standard input)");
  }
  FoundSources all;
  OwnFiles own_files(settings.output, run_output);
  std::set<fs::path> seen;
  for (const SourceSettings& given : expand_lists(settings.sources)) {
    const bool standard_input = given.path == kStandardInput;
    if (standard_input && !seen.insert(kStandardInput).second) continue;
    std::vector<Source> found;
    if (standard_input) {
      found.push_back(spool_standard_input(given, settings, spool_folder, stop));
    } else {
      found = Finder(given, settings, own_files, all).find();
    }
    for (Source& source : found) {
      std::error_code error;
      const fs::path place = fs::weakly_canonical(source.file, error);
      if (!standard_input && !seen.insert(place).second) {
        log::warning(source.file.string() + " is in corpus.sources more than once: it is read once");
        continue;
      }
      all.sources.push_back(std::move(source));
    }
  }
  // The files that this build itself writes while it reads are not reported.
  std::error_code none;
  const fs::path spooled = fs::weakly_canonical(spool_folder, none);
  std::erase_if(all.own_files, [&](const OwnFilesFound& own) { return own.folder == spooled; });
  return all;
}

}  // namespace charrnn
