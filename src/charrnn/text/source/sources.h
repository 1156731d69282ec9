// Which files a corpus is made of: `corpus.sources` names files, folders, globs, lists of those (@FILE) and
// standard input (-).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "charrnn/config/settings.h"

namespace charrnn {

enum class SourceFormat { kText, kJsonLines };  // one document; one a line

struct Source {
  std::filesystem::path file;
  // Relative to the folder that corpus.sources names, so that it does not depend on where that lies.
  std::string name;
  SourceFormat format = SourceFormat::kText;
  std::optional<std::string> encoding;
  std::string json_field;
  uint64_t bytes = 0;  // of the file
  std::string hash;    // of standard input, whose file is a compressed copy; else empty
};

// What could not be read, and why: corpus.on_error decides what becomes of it.
struct SourceProblem {
  std::string name;
  std::string reason;
};

// Files that charrnn wrote itself and that a folder or glob of corpus.sources has: no text to train on.
struct OwnFilesFound {
  std::string folder;
  std::string what;  // "corpus.output", "run.output", "a corpus", "a run", "a vocabulary"
  std::set<std::filesystem::path> files;
};

struct FoundSources {
  std::vector<Source> sources;  // in the order of corpus.sources and, within one, by name
  std::vector<SourceProblem> problems;
  std::vector<OwnFilesFound> own_files;  // left out
};

// Folders are read with all that is below them, hidden entries left out, in an order that does not depend on
// the file system; a file that two sources name counts once. Standard input is copied to `spool_folder`,
// compressed, for it must be read more than once. `run_output` is the folder that will be trained in. Throws
// Error (exit code 2) where corpus.sources is empty, or has a file that this config writes.
FoundSources find_sources(const CorpusSettings& settings, const std::filesystem::path& spool_folder,
                          const std::filesystem::path& run_output = {});

// The lines of a list, without blanks at their ends, empty ones and those that begin with #. Throws Error
// (exit code 2) where the file cannot be read; `setting` is what named it.
std::vector<std::string> read_list(const std::filesystem::path& file, const std::string& setting);

}  // namespace charrnn
