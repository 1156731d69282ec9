// Columns of text for a screen or a report.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace charrnn {

// One line for each row: `indent`, then its cells, each column as wide as its widest cell and two blanks
// apart. `alignment` has an l or r for each column; columns without one are aligned left. Cells are UTF-8,
// their width is counted in characters.
std::string text_table(const std::vector<std::vector<std::string>>& rows, std::string_view alignment = "",
                       std::string_view indent = "");

}  // namespace charrnn
