#include "charrnn/corpus/copies_info.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace charrnn {
namespace {

constexpr size_t kListed = 100;  // in the manifest

// How many characters of each document each split has.
std::vector<std::vector<uint64_t>> characters_by_split(const std::vector<DocumentLength>& documents,
                                                       const SplitPlan& plan) {
  std::vector<std::vector<uint64_t>> characters(plan.splits.size(), std::vector<uint64_t>(documents.size()));
  size_t piece = 0;
  uint64_t left = plan.pieces.empty() ? 0 : plan.pieces.front().characters;
  for (size_t d = 0; d < documents.size(); ++d) {
    for (uint64_t wanted = documents[d].characters; wanted > 0;) {
      if (left == 0) left = plan.pieces.at(++piece).characters;
      const uint64_t count = std::min(wanted, left);
      characters[plan.pieces[piece].split][d] += count;
      wanted -= count;
      left -= count;
    }
  }
  return characters;
}

// The first and the last of the documents in train that are equal to one another, or copies.
struct Ends {
  uint32_t first, last;

  // One that is not document `d`: a document cut at the border of two splits is not a copy of itself.
  std::optional<uint32_t> other_than(uint32_t d) const {
    if (first != d) return first;
    return last != d ? std::optional(last) : std::nullopt;
  }
};

// The Ends of documents in train, by a number that copies have in common.
template <class Number>
class InTrain {
 public:
  void add(Number number, uint32_t d) { ends_.try_emplace(number, Ends{d, d}).first->second.last = d; }
  std::optional<uint32_t> other_than(uint32_t d, Number number) const {
    const auto found = ends_.find(number);
    return found == ends_.end() ? std::nullopt : found->second.other_than(d);
  }

 private:
  std::unordered_map<Number, Ends> ends_;
};

}  // namespace

CopiesInfo copies_info(const CopyFinder& finder, const std::vector<uint32_t>& groups,
                       const std::vector<DocumentLength>& documents, const SplitPlan& plan,
                       const std::function<std::string(size_t)>& name_of) {
  CopiesInfo info;
  const std::vector<std::vector<uint64_t>> characters = characters_by_split(documents, plan);
  std::vector<char> has_copies(documents.size());  // set at the first document of each group
  for (uint32_t d = 0; d < documents.size(); ++d) {
    if (groups[d] == d) continue;
    ++info.documents;
    has_copies[groups[d]] = 1;
  }
  InTrain<uint32_t> copies;
  InTrain<uint64_t> equal;
  for (uint32_t d = 0; d < documents.size(); ++d) {
    if (has_copies[groups[d]] == 0 || characters[0][d] == 0) continue;
    copies.add(groups[d], d);
    equal.add(finder.hash_of(d), d);
  }
  for (size_t split = 1; split < plan.splits.size(); ++split) {
    for (uint32_t d = 0; d < documents.size(); ++d) {
      if (characters[split][d] == 0) continue;
      info.characters += characters[split][d];
      if (has_copies[groups[d]] == 0) continue;
      const auto same = equal.other_than(d, finder.hash_of(d));
      const auto copy = same ? same : copies.other_than(d, groups[d]);
      if (!copy) continue;
      ++info.held_out;
      info.held_out_characters += characters[split][d];
      info.equal += same ? 1 : 0;
      if (info.first.size() < kListed) {
        info.first.push_back({name_of(d), plan.splits[split].name, name_of(*copy), same.has_value()});
      }
    }
  }
  return info;
}

}  // namespace charrnn
