// The settings that a corpus was made by, as its manifest keeps them, compared with those of a config.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

// The settings that shape a corpus, as the manifest holds them: all except where it lies.
nlohmann::ordered_json corpus_settings_json(const CorpusSettings& settings);

// Dotted names, with commas, of the settings that have other values than when the corpus in `folder` was
// made, except those that name its sources. Empty if the manifest cannot be read.
std::string settings_that_differ(const std::filesystem::path& folder, const CorpusSettings& settings);

// `settings` with the stages of cleaning that the corpus in `folder` was made with, as its manifest has them:
// they are what a model is trained on, whatever the config has now.
CorpusSettings with_recipe_of(const std::filesystem::path& folder, CorpusSettings settings);

}  // namespace charrnn
