// Suggestions for messages: characters that may have been meant by one that a vocabulary lacks.
#pragma once

#include <string_view>
#include <vector>

namespace charrnn {

// The characters of `known`, which ascends, that `missing` may stand for: the other case, the composition
// with the character `before` it (0 at the start), the letter without its accent, or a similar one. At most
// three.
std::vector<char32_t> similar_characters(std::u32string_view known, char32_t before, char32_t missing);

}  // namespace charrnn
