#include "text/sources.h"

#include <glob.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "core/error.h"
#include "core/log.h"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWildcards = "*?[";

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with(".");
}

// Regular files below `folder`, named relative to `base`.
void add_folder(const fs::path& folder, const fs::path& base, std::vector<Document>& documents) {
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (is_hidden(entry->path())) {
      if (entry->is_directory()) entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      documents.push_back({entry->path(), entry->path().lexically_relative(base).generic_string(), 0});
    }
  }
  if (error) {
    fail_usage("cannot read the folder ", folder, " of corpus.sources: ", error.message(),
               ": correct its permissions");
  }
}

void add_path(const fs::path& path, const fs::path& base, std::vector<Document>& documents) {
  if (fs::is_directory(path)) {
    add_folder(path, base, documents);
  } else if (fs::is_regular_file(path)) {
    documents.push_back({path, path.lexically_relative(base).generic_string(), 0});
  } else {
    fail_usage("expected a file or a folder of text in corpus.sources, found ", path,
               ", which is neither: name a regular file");
  }
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

std::vector<fs::path> matches(const std::string& pattern) {
  glob_t found = {};
  const int result = glob(pattern.c_str(), GLOB_ERR | GLOB_NOSORT, nullptr, &found);
  std::vector<fs::path> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (result != 0 && result != GLOB_NOMATCH) {
    fail_usage("cannot follow the glob ", pattern, " of corpus.sources: a folder in it is not readable");
  }
  return paths;
}

std::vector<Document> documents_of(const std::string& source) {
  std::vector<Document> documents;
  const fs::path path = fs::path(source).lexically_normal();
  if (fs::is_directory(path)) {
    const fs::path folder = path.has_filename() ? path : path.parent_path();
    add_folder(folder, folder, documents);
    if (documents.empty())
      fail_usage("the folder ", path, " of corpus.sources has no files: put text files into it");
  } else if (fs::exists(path)) {
    add_path(path, path.parent_path(), documents);
  } else if (source.find_first_of(kWildcards) != std::string::npos) {
    for (const fs::path& match : matches(path.string())) add_path(match, fixed_part(path), documents);
    if (documents.empty()) {
      fail_usage("no file matches the glob ", source, " of corpus.sources, seen from ", fs::current_path(),
                 ": correct the pattern or put files there");
    }
  } else {
    fail_usage("expected a file, folder or glob in corpus.sources, found nothing at ", source, ", seen from ",
               fs::current_path(), ": correct the path");
  }
  std::sort(documents.begin(), documents.end(),
            [](const Document& a, const Document& b) { return a.name < b.name; });
  return documents;
}

}  // namespace

std::vector<Document> find_documents(const std::vector<std::string>& sources) {
  if (sources.empty()) {
    fail_usage("corpus.sources is empty: expected at least one file, folder or glob of UTF-8 text");
  }
  std::vector<Document> documents;
  std::set<fs::path> seen;
  for (const std::string& source : sources) {
    for (Document& document : documents_of(source)) {
      if (!seen.insert(fs::canonical(document.file)).second) {
        log::warning(document.file.string() + " is in corpus.sources more than once: read once");
        continue;
      }
      document.bytes = fs::file_size(document.file);
      documents.push_back(std::move(document));
    }
  }
  return documents;
}

}  // namespace charrnn
