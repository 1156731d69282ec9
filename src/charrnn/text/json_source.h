// Reads a JSON file of charrnn that may be damaged: the type of every member is checked, and an Error reports
// the file, what is wrong with it, and what to do.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "charrnn/core/error.h"

namespace charrnn {

class JsonSource {
 public:
  using Json = nlohmann::ordered_json;

  // `origin` begins messages: "the manifest corpora/a/manifest.json".
  JsonSource(std::string_view text, std::string origin) : origin_(std::move(origin)) {
    try {
      root_ = Json::parse(text);
    } catch (const Json::exception& e) {
      reject("is not JSON (", e.what(), ")");
    }
    if (!root_.is_object()) reject("is not a JSON object");
  }

  const Json& root() const { return root_; }

  template <class... Parts>
  [[noreturn]] void reject(Parts&&... parts) const {
    fail(origin_, " ", concat(std::forward<Parts>(parts)...),
         ": preprocess the corpus again, or take an undamaged copy");
  }

  // `where`: which part of the file `object` is, with a space after it.
  const Json& member(const Json& object, const char* key, std::string_view where = "") const {
    if (!object.is_object()) reject(where, "is not an object");
    const auto found = object.find(key);
    if (found == object.end()) reject(where, "has no \"", key, "\"");
    return *found;
  }

  uint64_t number(const Json& object, const char* key, std::string_view where = "") const {
    const Json& value = member(object, key, where);
    if (!value.is_number_unsigned())
      reject(where, "has a \"", key, "\" that is not a whole number of 0 or more");
    return value.get<uint64_t>();
  }

  double real(const Json& object, const char* key, std::string_view where = "") const {
    const Json& value = member(object, key, where);
    if (!value.is_number()) reject(where, "has a \"", key, "\" that is not a number");
    return value.get<double>();
  }

  const std::string& text(const Json& object, const char* key, std::string_view where = "") const {
    const Json& value = member(object, key, where);
    if (!value.is_string()) reject(where, "has a \"", key, "\" that is not a string");
    return value.get_ref<const std::string&>();
  }

  const Json& list(const Json& object, const char* key, std::string_view where = "") const {
    const Json& value = member(object, key, where);
    if (!value.is_array()) reject(where, "has a \"", key, "\" that is not a list");
    return value;
  }

 private:
  std::string origin_;
  Json root_;
};

}  // namespace charrnn
