// What a checkpoint holds in addition to tensors: the numbers of each owner (the trainer, the learning rate's
// plateau, the run's log ...), under the owner's name. An owner keeps its numbers in a struct that lists the
// fields once; only the owner writes and reads them:
//
//     struct Fields {
//       double best = 0;
//       template <class Self, class Visitor>
//       static void visit(Self& fields, const Visitor& v) { v("best", fields.best); }
//     };
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "charrnn/core/error.h"

namespace charrnn {

class SavedStates {
 public:
  SavedStates() = default;
  explicit SavedStates(std::string origin) : origin_(std::move(origin)) {}  // the file, for errors

  using Value = std::variant<bool, int64_t, uint64_t, double>;
  using Fields = std::map<std::string, Value>;

  template <class State>
  void put(const std::string& owner, const State& state) {
    Fields& fields = owners_[owner];
    State::visit(state, [&](const char* name, const auto& value) { fields[name] = Value(value); });
  }

  // Throws Error if the owner or one of its fields is missing.
  template <class State>
  State get(const std::string& owner) const {
    const auto found = owners_.find(owner);
    check(found != owners_.end(), origin_, " has no state of '", owner, "'");
    State state;
    State::visit(state, [&]<class Field>(const char* name, Field& field) {
      const auto value = found->second.find(name);
      check(value != found->second.end(), origin_, " has no '", name, "' of '", owner, "'");
      check(convert(value->second, field), origin_, " has a '", name, "' of '", owner,
            "' that is not a number of the expected type");
    });
    return state;
  }

  const std::map<std::string, Fields>& owners() const { return owners_; }
  std::map<std::string, Fields>& owners() { return owners_; }
  const std::string& origin() const { return origin_; }

 private:
  // False if the value does not fit into the field.
  template <class Field>
  static bool convert(const Value& value, Field& field) {
    return std::visit(
        [&]<class Number>(Number number) {
          if constexpr (std::is_same_v<Field, bool> || std::is_same_v<Number, bool>) {
            if (!std::is_same_v<Field, Number>) return false;
          } else if constexpr (std::is_integral_v<Field> && std::is_integral_v<Number>) {
            if (!std::in_range<Field>(number)) return false;
          } else if constexpr (std::is_integral_v<Field>) {
            return false;
          }
          field = static_cast<Field>(number);
          return true;
        },
        value);
  }

  std::string origin_ = "the checkpoint";
  std::map<std::string, Fields> owners_;
};

}  // namespace charrnn
