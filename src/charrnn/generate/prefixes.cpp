#include "charrnn/generate/prefixes.h"

#include "charrnn/core/error.h"
#include "charrnn/core/log.h"
#include "charrnn/text/invisible.h"

namespace charrnn {
namespace {

constexpr size_t kShownPrefix = 60;  // bytes

}  // namespace

std::vector<std::string> cleaned_prefixes(const Settings& settings) {
  std::vector<std::string> prefixes;
  for (const std::string& prefix : settings.sample.prefixes) {
    prefixes.push_back(clean_prefix(prefix, settings.corpus).text);
  }
  return prefixes;
}

void report_cleaning(const std::string& name, const CleanPrefix& clean) {
  if (clean.changed_by.empty()) return;
  std::string stages;
  for (const std::string& stage : clean.changed_by) stages += (stages.empty() ? "" : ", ") + stage;
  const bool is_long = clean.text.size() > kShownPrefix;
  log::info(concat(name, " is cleaned as the corpus was (", stages, ")",
                   is_long ? "" : concat(": \"", visible(clean.text), "\"")));
}

void check_prefixes(const Settings& settings, const Vocabulary& vocabulary) {
  for (const std::string& prefix : settings.sample.prefixes) {
    const std::string name = concat("\"", visible(prefix), "\" of sample.prefixes");
    try {
      const CleanPrefix clean = clean_prefix(prefix, settings.corpus);
      report_cleaning(name, clean);
      vocabulary.encode(clean.text, settings.sample.unknown_characters);
    } catch (const Error& problem) {
      fail_usage(name, " cannot be a prefix with this corpus: ", problem.what());
    }
  }
}

}  // namespace charrnn
