#include "charrnn/corpus/split_lists.h"

#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/text/source/glob.h"
#include "charrnn/text/source/list_file.h"

namespace charrnn {

SplitLists::SplitLists(const SplitSettings& settings) {
  for (const std::string& pattern : settings.valid_list) entries_.push_back({pattern, 1});
  for (const std::string& pattern : settings.test_list) entries_.push_back({pattern, 2});
}

void expand_lists(SplitSettings& settings) {
  const auto expand = [](std::vector<std::string>& list, const char* setting) {
    std::vector<std::string> expanded;
    for (const std::string& entry : list) {
      const bool is_file = entry.starts_with('@');
      for (const std::string& line : is_file ? read_list(entry.substr(1), setting) : std::vector{entry}) {
        expanded.push_back(line);
      }
    }
    list = std::move(expanded);
  };
  expand(settings.valid_list, "corpus.split.valid_list");
  expand(settings.test_list, "corpus.split.test_list");
}

uint8_t SplitLists::split_of(const std::string& document) {
  uint8_t split = 0;
  for (Entry& entry : entries_) {
    if (entry.pattern != document && !matches_name(entry.pattern, document)) continue;
    entry.used = true;
    if (split != 0 && split != entry.split) {
      fail_usage(document,
                 " is in both corpus.split.valid_list and corpus.split.test_list: expected only one ",
                 "of them: correct the lists");
    }
    split = entry.split;
  }
  return split;
}

void SplitLists::refuse_unused() const {
  for (const Entry& entry : entries_) {
    if (!entry.used) {
      fail_usage("no document of the corpus is called ", entry.pattern, ", which ",
                 entry.split == 1 ? "corpus.split.valid_list" : "corpus.split.test_list",
                 " names: expected names as the report shows them, or globs: correct the list");
    }
  }
}

}  // namespace charrnn
