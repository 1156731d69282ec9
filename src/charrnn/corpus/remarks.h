// What the user should check in a corpus, for the report: sources left out, headers not removed, documents
// that run together, copies of held-out documents in train, invisible characters.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace charrnn {

// Takes what describe_corpus returns. Empty if there is nothing to check.
std::string remarks_text(const nlohmann::ordered_json& corpus);

}  // namespace charrnn
