#include "fault.h"

#include <cstdlib>
#include <sstream>
#include <vector>

#include "device.h"

namespace charrnn::stand_in {
namespace {

std::vector<Fault> read_faults() {
  const char* const text = std::getenv("CHARRNN_STAND_IN_FAULT");
  std::vector<Fault> faults;
  std::istringstream in(text == nullptr ? "" : text);
  for (std::string part; std::getline(in, part, ';');) {
    std::istringstream words(part);
    Fault next;
    words >> next.name;
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      const std::string key = word.substr(0, equals);
      const double value = std::atof(word.substr(equals + 1).c_str());
      if (key == "rank") {
        next.rank = static_cast<int>(value);
      } else if (key == "operation") {
        next.operation = static_cast<int>(value);
      } else if (key == "seconds") {
        next.seconds = value;
      } else {
        give_up("expected rank=, operation= or seconds= in CHARRNN_STAND_IN_FAULT, found " + word);
      }
    }
    faults.push_back(next);
  }
  return faults;
}

}  // namespace

std::optional<Fault> fault(const std::string& name) {
  static const auto& faults = *new std::vector<Fault>(read_faults());
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  for (const Fault& one : faults) {
    if (one.name == name && (one.rank < 0 || one.rank == std::atoi(rank == nullptr ? "0" : rank))) return one;
  }
  return std::nullopt;
}

std::optional<Fault> fault_at(const std::string& name, int operation) {
  const auto found = fault(name);
  return found && found->operation == operation ? found : std::nullopt;
}

}  // namespace charrnn::stand_in
