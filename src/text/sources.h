// Which files a corpus is made of: `corpus.sources` names files, folders and globs; each file found is a
// document.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace charrnn {

struct Document {
  std::filesystem::path file;
  std::string
      name;  // relative to the folder that the source names, so that it does not depend on where that lies
  uint64_t bytes = 0;  // of the file
};

// Documents in the order of the sources and, within one, by name, whatever order the file system has. Folders
// are read with all that is below them, hidden entries left out; a file that two sources name counts once. A
// source that is not there, and a folder or glob that gives no file, is an Error with exit code 2.
std::vector<Document> find_documents(const std::vector<std::string>& sources);

}  // namespace charrnn
