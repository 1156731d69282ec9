// Files that charrnn wrote, which are not text to train on: those below corpus.output, and those of any
// corpus folder and any run, known by what is in them. Files that a user put next to them are the user's.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace charrnn {

class OwnFiles {
 public:
  // What the config that is being read writes itself. Either may be empty, or not there yet.
  OwnFiles(const std::filesystem::path& corpus_output, const std::filesystem::path& run_output);

  struct Owner {
    std::string folder;      // in which charrnn wrote the file; empty: it is the user's
    std::string what;        // "corpus.output", "run.output", "a corpus", "a run", "a vocabulary"
    bool is_output = false;  // of this config
  };
  // Links are followed, so that it does not matter by which of its names a file is given.
  Owner owner_of(const std::filesystem::path& file);

 private:
  // A folder as far as its files may be charrnn's.
  struct Folder {
    Owner all;                    // whose everything in it is
    Owner some;                   // whose these are:
    std::set<std::string> files;  // their names
  };
  using FolderId = std::pair<dev_t, ino_t>;

  const Folder& look_at(const std::filesystem::path& folder);
  bool is_temporary(const std::filesystem::path& folder) const;
  void find_corpus(const std::filesystem::path& folder, Folder& found) const;
  void find_run(const std::filesystem::path& folder, Folder& found) const;

  std::map<FolderId, std::string> outputs_;  // those that are there: "corpus.output", "run.output"
  std::filesystem::path corpus_output_;
  std::map<std::filesystem::path, Folder> folders_;  // looked at so far
};

}  // namespace charrnn
