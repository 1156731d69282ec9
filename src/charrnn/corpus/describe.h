// What is in a corpus folder or a shard: as JSON for programs, and that JSON as lines for people. What
// charrnn_preprocess prints at its end and charrnn_inspect prints later. Throws Error where the files are
// damaged.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace charrnn {

nlohmann::ordered_json describe_corpus(const std::filesystem::path& folder);
nlohmann::ordered_json describe_shard(const std::filesystem::path& file);

// Of what the functions above returned.
std::string corpus_text(const nlohmann::ordered_json& corpus);
std::string shard_text(const nlohmann::ordered_json& shard);

// One line of JSON, also where a text was cut inside a character.
std::string json_line(const nlohmann::ordered_json& json);

}  // namespace charrnn
