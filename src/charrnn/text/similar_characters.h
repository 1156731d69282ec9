// Characters that could be meant by one that a vocabulary lacks: suggestions for messages.
#pragma once

#include <string_view>
#include <vector>

namespace charrnn {

// Those of `known`, which ascends, that could be meant by `missing`: the other case, composed with the
// character before it (0 if there is none), without its accent, or the one that looks alike. Three at most.
std::vector<char32_t> similar_characters(std::u32string_view known, char32_t before, char32_t missing);

}  // namespace charrnn
