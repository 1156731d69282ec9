// A small text file that a person wrote, such as a list or a prefix, in any form in which editors save text:
// a byte order mark is not part of the text, and a file with one may be UTF-16 or UTF-32.
#pragma once

#include <filesystem>
#include <string>

namespace charrnn {

// UTF-8 if the file is text. Throws Error if it cannot be read.
std::string read_small_text(const std::filesystem::path& file);

}  // namespace charrnn
