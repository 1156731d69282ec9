// Parts of reports: numbers, names of characters, columns.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace charrnn {

std::string grouped(const nlohmann::ordered_json& number);  // 1234567 -> "1,234,567"

// "space", "'e'", "U+0007"
std::string shown_character(char32_t character);

// Rows of cells in columns: numbers are aligned right, words left.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

// The charset of a source in the manifest: "windows-1252 (detector, 88 %; declares ASCII)"
std::string charset_text(const nlohmann::ordered_json& source);

}  // namespace charrnn
