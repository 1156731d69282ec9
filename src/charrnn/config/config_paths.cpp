#include "charrnn/config/config_paths.h"

#include <filesystem>
#include <string>

#include "charrnn/core/error.h"
#include "charrnn/core/path_expansion.h"

namespace charrnn {

void refuse_shared_folder(const Config& config) {
  const Settings& s = config.settings;
  const auto folder = [](const std::string& path) {
    return std::filesystem::path(path + "/").lexically_normal();
  };
  if (s.run.output.empty() || folder(s.run.output) != folder(s.corpus.output)) return;
  fail_usage(config.where("run.output"), ": run.output and corpus.output are both ", s.run.output,
             ": expected different folders (--set run.output=FOLDER)");
}

void expand_paths(Config& config) {
  const auto expand = [&](const char* setting, std::string& path) {
    if (!config.origins.contains(setting) || path == "-") return;
    const bool is_list = path.starts_with('@');
    try {
      path = is_list ? concat("@", expand_path(path.substr(1))) : expand_path(path);
    } catch (const Error& problem) {
      fail_usage(config.where(setting), ": ", setting, ": ", problem.what());
    }
  };
  Settings& s = config.settings;
  for (SourceSettings& source : s.corpus.sources) expand("corpus.sources", source.path);
  expand("corpus.output", s.corpus.output);
  expand("corpus.targets", s.corpus.targets);
  expand("corpus.vocabulary.from", s.corpus.vocabulary.from);
  for (std::string& name : s.corpus.split.valid_list) {
    if (name.starts_with('@')) expand("corpus.split.valid_list", name);
  }
  for (std::string& name : s.corpus.split.test_list) {
    if (name.starts_with('@')) expand("corpus.split.test_list", name);
  }
  expand("train.start_from", s.train.start_from);
  expand("run.output", s.run.output);
}

}  // namespace charrnn
