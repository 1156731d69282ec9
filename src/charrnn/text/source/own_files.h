// Files that charrnn wrote, which are not text to train on: those below corpus.output, and those of any
// corpus folder and any run, recognised by their contents. Files that a user put next to them are the user's.
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
  // The two folders to which this config writes. Either may be empty, or not exist yet.
  OwnFiles(const std::filesystem::path& corpus_output, const std::filesystem::path& run_output);

  struct Owner {
    std::string folder;      // in which charrnn wrote the file; empty: it is the user's
    std::string what;        // "corpus.output", "run.output", "a corpus", "a run", "a vocabulary"
    bool is_output = false;  // of this config
  };
  // Links are followed, so that the result does not depend on the path by which a file is given.
  Owner owner_of(const std::filesystem::path& file);

 private:
  // What is known about who wrote the files of a folder.
  struct Folder {
    Owner all;                    // the owner of everything in it
    Owner some;                   // the owner of `files`
    std::set<std::string> files;  // names
  };
  using FolderId = std::pair<dev_t, ino_t>;

  const Folder& look_at(const std::filesystem::path& folder);
  bool is_temporary(const std::filesystem::path& folder) const;
  void find_corpus(const std::filesystem::path& folder, Folder& found) const;
  void find_run(const std::filesystem::path& folder, Folder& found) const;

  std::map<FolderId, std::string> outputs_;  // those that exist: "corpus.output", "run.output"
  std::filesystem::path corpus_output_;
  std::map<std::filesystem::path, Folder> folders_;  // examined so far
};

}  // namespace charrnn
