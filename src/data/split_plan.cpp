#include "data/split_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/hash.h"

namespace charrnn {
namespace {

constexpr size_t kManyDocuments = 10;  // from here on, auto splits by document

uint64_t total_characters(const std::vector<DocumentLength>& documents) {
  uint64_t total = 0;
  for (const DocumentLength& document : documents) total += document.characters;
  return total;
}

// floor(total * share). The millionth makes up for shares such as 1 - 0.05 - 0.05, a hair below 0.9 in
// binary.
uint64_t part_of(uint64_t total, double share) {
  return static_cast<uint64_t>(std::floor(static_cast<double>(total) * share + 1e-6));
}

// Train, then those of valid and test that have a share.
SplitPlan empty_plan(size_t documents, const SplitSettings& settings, SplitBy by) {
  SplitPlan plan{{{"train", 0}}, std::vector<std::vector<SplitPlan::Piece>>(documents), by};
  if (settings.valid > 0) plan.splits.push_back({"valid", 0});
  if (settings.test > 0) plan.splits.push_back({"test", 0});
  return plan;
}

double share_of(const std::string& split, const SplitSettings& settings) {
  return split == "valid"  ? settings.valid
         : split == "test" ? settings.test
                           : 1 - settings.valid - settings.test;
}

void plan_tail(const std::vector<DocumentLength>& documents, const SplitSettings& settings, SplitPlan& plan) {
  const uint64_t total = total_characters(documents);
  std::vector<uint64_t> ends;  // of each split, in characters from the start of the text
  for (const SplitPlan::Split& split : plan.splits) {
    const double behind =
        (split.name == "train" ? settings.valid : 0) + (split.name == "test" ? 0 : settings.test);
    ends.push_back(part_of(total, 1 - behind));
  }
  uint64_t position = 0;
  size_t split = 0;
  for (size_t d = 0; d < documents.size(); ++d) {
    uint64_t left = documents[d].characters;
    while (left > 0) {
      while (position == ends[split]) ++split;
      const uint64_t count = std::min(left, ends[split] - position);
      plan.pieces[d].push_back({split, count});
      position += count;
      left -= count;
    }
  }
}

void plan_documents(const std::vector<DocumentLength>& documents, const SplitSettings& settings,
                    SplitPlan& plan) {
  std::vector<size_t> order;  // documents with text, by the hash of their name
  for (size_t d = 0; d < documents.size(); ++d) {
    if (documents[d].characters > 0) order.push_back(d);
  }
  if (order.size() < plan.splits.size()) {
    fail_usage("splitting by document needs ", plan.splits.size(),
               " files with text (one for each of train, valid and ", "test that is asked for), found ",
               order.size(), ": add files, set corpus.split.by: tail, or set ",
               "corpus.split.valid or corpus.split.test to 0");
  }
  std::vector<std::string> hashes;
  for (const DocumentLength& document : documents) hashes.push_back(hash_hex(document.name));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return hashes[a] < hashes[b]; });

  const uint64_t total = total_characters(documents);
  std::vector<size_t> split_of(documents.size(), 0);
  size_t next = 0;
  for (size_t split = 1; split < plan.splits.size(); ++split) {
    const double wanted = static_cast<double>(total) * share_of(plan.splits[split].name, settings);
    uint64_t taken = 0;
    while (next < order.size() && (taken == 0 || static_cast<double>(taken) < wanted)) {
      split_of[order[next]] = split;
      taken += documents[order[next]].characters;
      ++next;
    }
  }
  for (size_t d = 0; d < documents.size(); ++d) {
    if (documents[d].characters > 0) plan.pieces[d].push_back({split_of[d], documents[d].characters});
  }
}

}  // namespace

SplitPlan plan_splits(const std::vector<DocumentLength>& documents, const SplitSettings& settings) {
  if (settings.valid + settings.test >= 1) {
    fail_usage("corpus.split.valid + corpus.split.test is ", settings.valid + settings.test,
               ": expected less than 1, so that something is left to train on");
  }
  const SplitBy by = settings.by != SplitBy::kAuto        ? settings.by
                     : documents.size() >= kManyDocuments ? SplitBy::kDocument
                                                          : SplitBy::kTail;
  SplitPlan plan = empty_plan(documents.size(), settings, by);
  if (by == SplitBy::kDocument) {
    plan_documents(documents, settings, plan);
  } else {
    plan_tail(documents, settings, plan);
  }
  for (const auto& pieces : plan.pieces) {
    for (const SplitPlan::Piece& piece : pieces) plan.splits[piece.split].characters += piece.characters;
  }
  for (const SplitPlan::Split& split : plan.splits) {
    if (split.characters > 0) continue;
    fail_usage("the split ", split.name, " (", share_of(split.name, settings), " of ",
               total_characters(documents), " characters, by ", enum_name(by),
               ") would be empty: add text, or change corpus.split.valid and ",
               "corpus.split.test (0 for no such split)");
  }
  return plan;
}

}  // namespace charrnn
