// Which files a corpus is made of: `corpus.sources` has files, folders, globs, lists of these (@FILE) and
// standard input (-).
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/text/source/source.h"

namespace charrnn {

// A source that could not be read, and why; corpus.on_error decides what to do.
struct SourceProblem {
  std::string name;
  std::string reason;
};

// Files that charrnn wrote itself, found by a folder or glob of corpus.sources: not text to train on.
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

// Folders are read with everything below them except hidden entries, in an order that does not depend on the
// file system; a file that is found twice counts once. Standard input must be read more than once, so it is
// copied to `spool_folder`, compressed. `run_output` is the folder of the run that will be trained. Throws
// Error (kInput) if corpus.sources is empty, or has a file that this config writes; Error (kStopped) if a
// stop is requested while standard input is read.
FoundSources find_sources(const CorpusSettings& settings, const std::filesystem::path& spool_folder,
                          const std::filesystem::path& run_output = {}, StopToken stop = {});

}  // namespace charrnn
