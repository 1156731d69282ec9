// Which files a corpus is made of: `corpus.sources` names files, folders, globs, lists of those (@FILE) and
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

// What could not be read, and why: corpus.on_error decides what to do with it.
struct SourceProblem {
  std::string name;
  std::string reason;
};

// Files that charrnn wrote itself and that a folder or glob of corpus.sources has: not text to train on.
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
// Error (exit code 2) if corpus.sources is empty, or has a file that this config writes; (kStopped) if a stop
// is requested while standard input is read.
FoundSources find_sources(const CorpusSettings& settings, const std::filesystem::path& spool_folder,
                          const std::filesystem::path& run_output = {}, StopToken stop = {});

}  // namespace charrnn
