// What is in a corpus folder or a shard, as JSON: for programs, and for the report (report.h). Throws Error
// if the files are damaged.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace charrnn {

nlohmann::ordered_json describe_corpus(const std::filesystem::path& folder);
nlohmann::ordered_json describe_shard(const std::filesystem::path& file);

// One line of JSON; bytes of a text that was cut inside a character are replaced.
std::string json_line(const nlohmann::ordered_json& json);

}  // namespace charrnn
