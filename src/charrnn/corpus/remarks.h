// What people should look at in a corpus, for the report: sources left out, headers not stripped, documents
// that run together, copies of held-out documents in train, characters that nobody sees.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace charrnn {

// Of what describe_corpus gives. Empty if there is nothing to look at.
std::string remarks_text(const nlohmann::ordered_json& corpus);

}  // namespace charrnn
