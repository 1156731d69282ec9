#include "charrnn/corpus/split_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../error_of.h"
#include "charrnn/core/hash.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// "train:90 valid:5 test:5"
std::string summary(const SplitPlan& plan) {
  std::string text;
  for (const auto& split : plan.splits) {
    text += (text.empty() ? "" : " ") + split.name + ":" + std::to_string(split.characters);
  }
  return text;
}

SplitSettings shares(SplitBy by, double valid, double test) {
  return {.by = by, .valid = valid, .test = test};
}

std::vector<DocumentLength> documents(const std::vector<uint64_t>& lengths) {
  std::vector<DocumentLength> result;
  for (size_t i = 0; i < lengths.size(); ++i)
    result.push_back({hash_number("doc" + std::to_string(i)), lengths[i]});
  return result;
}

TEST(SplitPlan, TailCutsWhereNanoGptDoes) {
  EXPECT_EQ(summary(plan_splits({{0, 1115394}}, shares(SplitBy::kTail, 0.1, 0))),
            "train:1003854 valid:111540");
  EXPECT_EQ(summary(plan_splits({{0, 100}}, shares(SplitBy::kTail, 0.05, 0.05))), "train:90 valid:5 test:5");
  EXPECT_EQ(summary(plan_splits({{0, 101}}, shares(SplitBy::kTail, 0.05, 0.05))), "train:90 valid:5 test:6");
  EXPECT_EQ(summary(plan_splits({{0, 10}}, shares(SplitBy::kTail, 0, 0.3))), "train:7 test:3");
  EXPECT_EQ(summary(plan_splits({{0, 10}}, shares(SplitBy::kTail, 0, 0))), "train:10");
}

// abcdefghij|KLMNOPQRST with 20 characters, train 14, valid 4, test 2: the second document is cut in three.
TEST(SplitPlan, TailGoesAcrossDocuments) {
  const SplitPlan plan = plan_splits(documents({10, 0, 10}), shares(SplitBy::kTail, 0.2, 0.1));
  EXPECT_EQ(summary(plan), "train:14 valid:4 test:2");
  ASSERT_EQ(plan.pieces.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(plan.pieces[i].split, i);
    EXPECT_EQ(plan.pieces[i].characters, (std::vector<uint64_t>{14, 4, 2})[i]);
  }
}

TEST(SplitPlan, AutoGoesByDocumentFromTenOn) {
  EXPECT_EQ(plan_splits(documents(std::vector<uint64_t>(9, 100)), shares(SplitBy::kAuto, 0.1, 0)).by,
            SplitBy::kTail);
  EXPECT_EQ(plan_splits(documents(std::vector<uint64_t>(10, 100)), shares(SplitBy::kAuto, 0.1, 0)).by,
            SplitBy::kDocument);
}

// Valid takes documents in the order of the hash of their names until it has a fifth (30 of 150), then test a
// tenth.
TEST(SplitPlan, DocumentsAreTakenInTheOrderOfAHash) {
  const std::vector<DocumentLength> all = documents({10, 20, 0, 30, 40, 50});
  std::vector<size_t> order = {0, 1, 3, 4, 5};
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return hash_hex("doc" + std::to_string(a)) < hash_hex("doc" + std::to_string(b));
  });
  std::vector<size_t> expected(6, 0);
  size_t next = 0;
  for (const auto& [split, wanted] : {std::pair<size_t, uint64_t>{1, 30}, {2, 15}}) {
    for (uint64_t taken = 0; taken < wanted; taken += all[order[next++]].characters)
      expected[order[next]] = split;
  }
  const SplitPlan plan = plan_splits(all, shares(SplitBy::kDocument, 0.2, 0.1));
  for (size_t d = 0; d < all.size(); ++d) EXPECT_EQ(plan.split_of_document[d], expected[d]) << d;
  uint64_t total = 0;
  for (const SplitPlan::Piece& piece : plan.pieces) total += piece.characters;
  EXPECT_EQ(total, 150u);
}

TEST(SplitPlan, ASplitByDocumentHasAtLeastOneAndDoesNotDependOnTheirOrder) {
  const std::vector<DocumentLength> some = {
      {hash_number("x"), 1000}, {hash_number("y"), 1000}, {hash_number("z"), 1000}};
  const SplitPlan plan = plan_splits(some, shares(SplitBy::kDocument, 0.001, 0.001));
  EXPECT_EQ(summary(plan), "train:1000 valid:1000 test:1000");
  const SplitPlan reversed =
      plan_splits({some[2], some[1], some[0]}, shares(SplitBy::kDocument, 0.001, 0.001));
  for (size_t d = 0; d < 3; ++d) EXPECT_EQ(plan.split_of_document[d], reversed.split_of_document[2 - d]);
}

TEST(SplitPlan, EmptySplitsAreUsageErrors) {
  EXPECT_THAT(usage_error_of([] {
                plan_splits({{hash_number("x"), 5}, {hash_number("y"), 0}, {hash_number("z"), 5}},
                            shares(SplitBy::kDocument, 0.1, 0.1));
              }),
              AllOf(HasSubstr("needs 3 documents with text"), HasSubstr("found 2"),
                    HasSubstr("corpus.split.by: tail")));
  EXPECT_THAT(usage_error_of([] {
                plan_splits({{hash_number("x"), 5}}, shares(SplitBy::kTail, 0.1, 0.1));
              }),
              AllOf(HasSubstr("would be empty"), HasSubstr("5 characters")));
  EXPECT_THAT(usage_error_of([] {
                plan_splits({{hash_number("x"), 500}}, shares(SplitBy::kTail, 0.5, 0.5));
              }),
              HasSubstr("expected less than 1"));
  // Valid takes both documents to reach its share, so train stays empty.
  EXPECT_THAT(
      usage_error_of([] {
        plan_splits({{hash_number("x"), 10}, {hash_number("y"), 10}}, shares(SplitBy::kDocument, 0.9, 0));
      }),
      HasSubstr("split train"));
}

}  // namespace
}  // namespace charrnn
