#include "charrnn/corpus/split_plan.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/core/log.h"

namespace charrnn {
namespace {

constexpr size_t kManyDocuments = 10;  // from this many, auto splits by document

uint64_t total_characters(const std::vector<DocumentLength>& documents) {
  uint64_t total = 0;
  for (const DocumentLength& document : documents) total += document.characters;
  return total;
}

// floor(total * share). The millionth compensates for shares such as 1 - 0.05 - 0.05, which is slightly below
// 0.9 in binary.
uint64_t part_of(uint64_t total, double share) {
  return static_cast<uint64_t>(std::floor(static_cast<double>(total) * share + 1e-6));
}

// Train, then valid and test if their share is above 0.
SplitPlan empty_plan(const SplitSettings& settings, SplitBy by) {
  SplitPlan plan{{{"train", 0}}, {}, {}, by};
  const bool by_list = by == SplitBy::kList;
  if (by_list ? !settings.valid_list.empty() : settings.valid > 0) plan.splits.push_back({"valid", 0});
  if (by_list ? !settings.test_list.empty() : settings.test > 0) plan.splits.push_back({"test", 0});
  return plan;
}

void add_piece(SplitPlan& plan, size_t split, uint64_t characters) {
  if (characters == 0) return;
  if (!plan.pieces.empty() && plan.pieces.back().split == split) {
    plan.pieces.back().characters += characters;
  } else {
    plan.pieces.push_back({split, characters});
  }
}

void place_documents(const std::vector<DocumentLength>& documents, SplitPlan& plan) {
  for (size_t d = 0; d < documents.size(); ++d) {
    add_piece(plan, plan.split_of_document[d], documents[d].characters);
  }
}

double share_of(const std::string& split, const SplitSettings& settings) {
  if (split == "valid") return settings.valid;
  return split == "test" ? settings.test : 1 - settings.valid - settings.test;
}

void plan_tail(const std::vector<DocumentLength>& documents, const SplitSettings& settings, SplitPlan& plan) {
  const uint64_t total = total_characters(documents);
  uint64_t begin = 0;
  for (size_t split = 0; split < plan.splits.size(); ++split) {
    const std::string& name = plan.splits[split].name;
    const double after = (name == "train" ? settings.valid : 0) + (name == "test" ? 0 : settings.test);
    const uint64_t end = part_of(total, 1 - after);
    add_piece(plan, split, end - begin);
    begin = end;
  }
}

// Moves the documents of each group together, to the position of the first of them.
void keep_groups_together(const std::vector<uint32_t>& groups, std::vector<size_t>& order) {
  std::unordered_map<uint32_t, size_t> places;
  for (size_t i = 0; i < order.size(); ++i) places.try_emplace(groups[order[i]], i);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return places[groups[a]] < places[groups[b]]; });
}

// Documents with text, in the order of the hash of their name, copies one after another.
std::vector<size_t> drawn_order(const std::vector<DocumentLength>& documents,
                                const std::vector<uint32_t>& groups) {
  std::vector<size_t> order;
  for (size_t d = 0; d < documents.size(); ++d) {
    if (documents[d].characters > 0) order.push_back(d);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return documents[a].name_hash < documents[b].name_hash; });
  if (!groups.empty()) keep_groups_together(groups, order);
  return order;
}

void plan_documents(const std::vector<DocumentLength>& documents, const SplitSettings& settings,
                    const std::vector<uint32_t>& groups, SplitPlan& plan) {
  const std::vector<size_t> order = drawn_order(documents, groups);
  if (order.size() < plan.splits.size()) {
    fail_usage("splitting by document needs ", plan.splits.size(),
               " documents with text (one for each split whose share is above 0), found ", order.size(),
               ": add documents, set corpus.split.by: tail, or set ",
               "corpus.split.valid or corpus.split.test to 0");
  }
  const uint64_t total = total_characters(documents);
  plan.split_of_document.assign(documents.size(), 0);
  const auto put = [&](size_t begin, size_t end, size_t split) {
    for (size_t i = begin; i < end; ++i) plan.split_of_document[order[i]] = static_cast<uint8_t>(split);
  };
  size_t next = 0;
  for (size_t split = 1; split < plan.splits.size(); ++split) {
    const double wanted = static_cast<double>(total) * share_of(plan.splits[split].name, settings);
    uint64_t taken = 0;
    size_t end = next;  // end of the group
    std::optional<std::pair<size_t, size_t>> too_large;
    for (; next < order.size() && (taken == 0 || static_cast<double>(taken) < wanted); next = end) {
      uint64_t characters = 0;
      do {
        characters += documents[order[end]].characters;
      } while (++end < order.size() && !groups.empty() && groups[order[end]] == groups[order[next]]);
      // Many copies of one text, such as a notice, go to train unless there are no other documents.
      if (end > next + 1 && static_cast<double>(characters) > wanted) {
        if (!too_large) too_large.emplace(next, end);
        continue;
      }
      put(next, end, split);
      taken += characters;
    }
    if (taken == 0 && too_large) {
      put(too_large->first, too_large->second, split);
      next = too_large->second;
    }
  }
  place_documents(documents, plan);
}

void plan_lists(const std::vector<DocumentLength>& documents, const SplitSettings& settings,
                SplitPlan& plan) {
  for (const DocumentLength& document : documents) {
    const bool only_test = settings.valid_list.empty();
    plan.split_of_document.push_back(document.listed == 2 && only_test ? 1 : document.listed);
  }
  place_documents(documents, plan);
}

// A document goes to a split as a whole, even if it is larger than the share of that split.
void warn_of_large_documents(const SplitPlan& plan, uint64_t total, const SplitSettings& settings) {
  for (size_t i = 1; i < plan.splits.size(); ++i) {
    const SplitPlan::Split& split = plan.splits[i];
    const double asked = share_of(split.name, settings);
    const double got = static_cast<double>(split.characters) / static_cast<double>(total);
    if (got > 2 * asked && got > asked + 0.05) {
      log::warning(concat("the split ", split.name, " has ", std::lround(100 * got),
                          " % of the text, expected ", std::lround(100 * asked),
                          " %: it has a large document, which is not divided; to cut inside documents, set ",
                          "corpus.split.by: tail"));
    }
  }
}

}  // namespace

SplitPlan plan_splits(const std::vector<DocumentLength>& documents, const SplitSettings& settings,
                      const std::vector<uint32_t>& groups) {
  if (settings.by != SplitBy::kList && settings.valid + settings.test >= 1) {
    fail_usage("corpus.split.valid + corpus.split.test is ", settings.valid + settings.test,
               ": expected less than 1, so that something is left to train on");
  }
  SplitBy by = settings.by;
  if (by == SplitBy::kAuto) by = documents.size() >= kManyDocuments ? SplitBy::kDocument : SplitBy::kTail;
  SplitPlan plan = empty_plan(settings, by);
  if (settings.copies == Copies::kTogether && by != SplitBy::kDocument && plan.splits.size() > 1) {
    fail_usage("corpus.split.copies: together needs whole documents, but this corpus is split by ",
               enum_name(by), settings.by == SplitBy::kAuto ? " (auto, of few documents)" : "",
               ": set corpus.split.by: document, or corpus.split.copies: report");
  }
  if (by == SplitBy::kTail) plan_tail(documents, settings, plan);
  if (by == SplitBy::kDocument) plan_documents(documents, settings, groups, plan);
  if (by == SplitBy::kList) plan_lists(documents, settings, plan);
  for (const SplitPlan::Piece& piece : plan.pieces) plan.splits[piece.split].characters += piece.characters;
  if (by == SplitBy::kDocument) warn_of_large_documents(plan, total_characters(documents), settings);
  for (const SplitPlan::Split& split : plan.splits) {
    if (split.characters > 0) continue;
    if (by == SplitBy::kList) {
      fail_usage("the split ", split.name, " would be empty: expected documents with text in each of ",
                 "corpus.split.valid_list and test_list, and others for train: correct the lists");
    }
    fail_usage("the split ", split.name, " (", share_of(split.name, settings), " of ",
               total_characters(documents), " characters, by ", enum_name(by),
               ") would be empty: add text, change corpus.split.valid and corpus.split.test (0: no such ",
               "split), or set corpus.split.by: tail, which cuts inside documents");
  }
  return plan;
}

}  // namespace charrnn
