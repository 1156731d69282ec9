// The report on a corpus or a shard: charrnn_preprocess prints it when it has finished, charrnn_inspect
// later.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace charrnn {

// Take what describe_corpus and describe_shard return.
std::string corpus_text(const nlohmann::ordered_json& corpus);
std::string shard_text(const nlohmann::ordered_json& shard);

}  // namespace charrnn
