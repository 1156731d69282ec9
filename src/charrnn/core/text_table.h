// Aligns text in columns, for a screen or a report.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace charrnn {

// One line for each row: `indent`, then its cells. Each column is as wide as its widest cell; columns are two
// blanks apart. `alignment` has an l or r for each column; the rest are aligned left. Cells are UTF-8, and
// their width is counted in characters.
std::string text_table(const std::vector<std::vector<std::string>>& rows, std::string_view alignment = "",
                       std::string_view indent = "");

}  // namespace charrnn
