// The settings with which a corpus was built, as its manifest has them, compared with those of a config.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

// The settings that shape a corpus, as the manifest holds them: all except corpus.output.
nlohmann::ordered_json corpus_settings_json(const CorpusSettings& settings);

// Dotted names, separated by commas, of the settings whose values differ from those with which the corpus in
// `folder` was built, except those that list its sources. Empty if the manifest cannot be read.
std::string settings_that_differ(const std::filesystem::path& folder, const CorpusSettings& settings);

// `settings` with the stages of cleaning by which the corpus in `folder` was built, from its manifest: a
// model is trained on text cleaned like that, whatever the config has now.
CorpusSettings with_recipe_of(const std::filesystem::path& folder, CorpusSettings settings);

}  // namespace charrnn
