#include "charrnn/text/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "../error_of.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

const std::vector<Vocabulary::Character> kCounts = {{U'c', 5}, {U'a', 3}, {U'z', 0}, {U'b', 3}, {U'é', 1}};

Vocabulary plain() {
  return Vocabulary::from_counts(kCounts, {}, Unit::kCodePoint);
}

std::u32string values(const Vocabulary& vocabulary) {
  std::u32string text;
  for (const auto& character : vocabulary.characters()) {
    text += character.value == Vocabulary::kUnknown ? U'?' : character.value;
  }
  return text;
}

Vocabulary limited(int64_t min_count, std::optional<int64_t> max_size, bool unknown = false) {
  return Vocabulary::from_counts(kCounts, {.min_count = min_count, .max_size = max_size, .unknown = unknown},
                                 Unit::kCodePoint);
}

TEST(Vocabulary, IsSortedByCodePointWithoutUnknownUnlessNeeded) {
  EXPECT_EQ(values(plain()), U"abcé");
  EXPECT_FALSE(plain().has_unknown());
  EXPECT_EQ(plain().characters()[2].count, 5u);
}

TEST(Vocabulary, WhatFallsOutBecomesUnknown) {
  EXPECT_EQ(values(limited(2, {})), U"?abc");
  EXPECT_EQ(limited(2, {}).characters()[0].count, 1u);  // é
  EXPECT_EQ(values(limited(1, {}, true)), U"?abcé");
  EXPECT_EQ(limited(1, {}, true).characters()[0].count, 0u);
  EXPECT_EQ(values(limited(1, 4)), U"abcé");  // just fits
  EXPECT_EQ(values(limited(1, 3)), U"?ac");   // c, and of the equally frequent a and b the first
  EXPECT_EQ(limited(1, 3).characters()[0].count, 3u + 1u);
  EXPECT_EQ(values(limited(2, 3)), U"?ac");  // <unk> takes a place that b had
  EXPECT_EQ(values(limited(1, 4, true)), U"?abc");
  EXPECT_THAT(usage_error_of([] { limited(6, {}); }), HasSubstr("corpus.vocabulary.min_count (6 times)"));
}

TEST(Vocabulary, FindsEncodesAndDecodes) {
  const Vocabulary vocabulary = plain();
  EXPECT_EQ(vocabulary.find(U'é'), 3u);
  EXPECT_EQ(vocabulary.find(U'z'), std::nullopt);
  EXPECT_THAT(vocabulary.encode("cabé"), ElementsAre(2, 0, 1, 3));
  EXPECT_THAT(vocabulary.encode(""), ElementsAre());
  EXPECT_EQ(vocabulary.decode(3), "é");
  EXPECT_THAT(error_of([&] { vocabulary.decode(4); }), AllOf(HasSubstr("below 4"), HasSubstr("found 4")));
  EXPECT_THAT(usage_error_of([&] { vocabulary.encode("abxa"); }),
              AllOf(HasSubstr("'x' (U+0078)"), HasSubstr("character 3"), HasSubstr("--unknown) to skip")));
  EXPECT_THAT(usage_error_of([&] { vocabulary.encode("abxa", UnknownCharacters::kUnk); }),
              AllOf(HasSubstr("character 3"), HasSubstr("no <unk>")));
  EXPECT_THAT(vocabulary.encode("xaxb", UnknownCharacters::kSkip), ElementsAre(0, 1));
  EXPECT_THAT(usage_error_of([&] { vocabulary.encode("ab\xff"); }), HasSubstr("bytes ff at byte 2"));
  EXPECT_THAT(usage_error_of([&] { vocabulary.encode("ab\xc3"); }), HasSubstr("bytes c3 at byte 2"));
  EXPECT_THAT(error_of([&] { vocabulary.id(U'x'); }), HasSubstr("'x'"));
}

TEST(Vocabulary, UnknownStandsForAllOthers) {
  const Vocabulary vocabulary = limited(2, {});
  EXPECT_THAT(vocabulary.encode("cxé", UnknownCharacters::kUnk), ElementsAre(3, 0, 0));
  EXPECT_THAT(vocabulary.encode("cxé", UnknownCharacters::kSkip), ElementsAre(3));
  EXPECT_THAT(usage_error_of([&] { vocabulary.encode("cxé"); }),
              AllOf(HasSubstr("character 2"), HasSubstr("to unk or skip")));
  EXPECT_EQ(vocabulary.find(U'x'), std::nullopt);
  EXPECT_EQ(vocabulary.id(U'x'), 0u);
  EXPECT_EQ(vocabulary.decode(0), "\xef\xbf\xbd");
}

TEST(Vocabulary, EncodesWhatWasNormalisedAsTheCorpusWas) {
  const std::vector<Vocabulary::Character> counts = {{U'a', 1}, {U'f', 1}, {U'i', 1}, {U'é', 1}};
  const auto made_with = [&](Normalization form) {
    return Vocabulary::from_counts(counts, {}, Unit::kCodePoint, form);
  };
  EXPECT_THAT(made_with(Normalization::kNfc).encode("ae\u0301"), ElementsAre(0, 3));
  EXPECT_THAT(made_with(Normalization::kNfkc).encode("\ufb01e\u0301"), ElementsAre(1, 2, 3));
  EXPECT_THAT(usage_error_of([&] { made_with(Normalization::kNfc).encode("\ufb01"); }), HasSubstr("U+FB01"));
  EXPECT_THAT(usage_error_of([&] { made_with(Normalization::kNone).encode("ae\u0301"); }),
              HasSubstr("no 'e' (U+0065) (character 2"));
  const Vocabulary bytes =
      Vocabulary::from_counts({{0xc3, 1}, {0xa9, 1}}, {}, Unit::kByte, Normalization::kNfc);
  EXPECT_THAT(bytes.encode("e\u0301"), ElementsAre(1, 0));

  EXPECT_EQ(made_with(Normalization::kNfkc).normalization(), Normalization::kNfkc);
  const Vocabulary read = Vocabulary::from_json(made_with(Normalization::kNfkc).to_json(), "x");
  EXPECT_EQ(read.normalization(), Normalization::kNfkc);
  EXPECT_EQ(read.hash(), made_with(Normalization::kNone).hash());  // equal ids
}

TEST(Vocabulary, TakesTheCountsOfAnotherText) {
  const Vocabulary vocabulary = plain();
  const Vocabulary other = vocabulary.with_counts({{U'é', 7}, {U'a', 2}, {U'x', 0}});
  EXPECT_EQ(other.hash(), vocabulary.hash());
  EXPECT_EQ(values(other), U"abcé");
  std::vector<uint64_t> counts;
  for (const auto& character : other.characters()) counts.push_back(character.count);
  EXPECT_THAT(counts, ElementsAre(2, 0, 0, 7));

  const Vocabulary unknown = limited(2, {}).with_counts({{U'é', 7}, {U'b', 2}, {U'y', 5}});
  EXPECT_EQ(values(unknown), U"?abc");
  EXPECT_EQ(unknown.characters()[0].count, 12u);
  EXPECT_EQ(unknown.characters()[2].count, 2u);
  EXPECT_EQ(unknown.hash(), limited(2, {}).hash());
}

TEST(Vocabulary, NamesTheCharactersThatItLacks) {
  const std::vector<Vocabulary::Character> counts = {{U'z', 1}, {U'y', 5}, {U'a', 9}, {U'x', 5}, {U'w', 0}};
  std::u32string outside;
  for (const auto& character : characters_outside(plain(), counts)) outside += character.value;
  EXPECT_EQ(outside, U"xyz");
  EXPECT_EQ(characters_outside(limited(2, {}), counts).size(), 3u);  // <unk> or not
  EXPECT_THAT(usage_error_of([&] { plain().with_counts(counts); }),
              AllOf(HasSubstr("the text has 3 characters that the vocabulary"), HasSubstr("lacks"),
                    HasSubstr("'x' (U+0078) 5 times, 'y' (U+0079) 5 times, 'z' (U+007A) 1 times: use a "
                              "vocabulary with <unk>")));
  std::vector<Vocabulary::Character> many;
  for (char32_t value = 0x400; value < 0x420; ++value) many.push_back({value, 1});
  const std::string message = usage_error_of([&] { plain().with_counts(many); });
  EXPECT_THAT(message,
              AllOf(HasSubstr("has 32 characters"), HasSubstr("U+0413"), testing::Not(HasSubstr("U+0414"))));
}

TEST(Vocabulary, OfBytesKnowsBytes) {
  const Vocabulary vocabulary = Vocabulary::from_counts({{0xc3, 2}, {0xa9, 1}, {'a', 4}}, {}, Unit::kByte);
  EXPECT_THAT(vocabulary.encode("aé"), ElementsAre(0, 2, 1));
  EXPECT_THAT(vocabulary.encode("aüé", UnknownCharacters::kSkip), ElementsAre(0, 2, 1))
      << "both bytes of ü are skipped";
  EXPECT_THAT(usage_error_of([&] { vocabulary.encode("aü"); }),
              HasSubstr("no byte 188 (byte 3 of the text)"));
  EXPECT_EQ(vocabulary.decode(2), "\xc3");
  EXPECT_THAT(usage_error_of([&] { vocabulary.encode("aè"); }), HasSubstr("no byte"));
}

TEST(Vocabulary, HashIsOverUnitAndOrderedCharactersAlone) {
  const auto hash = [](const std::vector<Vocabulary::Character>& counts, bool unknown = false,
                       Unit unit = Unit::kByte) {
    return Vocabulary::from_counts(counts, {.min_count = 1, .max_size = {}, .unknown = unknown}, unit).hash();
  };
  const std::string reference = hash({{'a', 1}, {'b', 2}});
  EXPECT_EQ(hash({{'b', 7}, {'a', 9}}), reference);
  const std::set<std::string> all = {reference, hash({{'a', 1}, {'c', 2}}), hash({{'a', 1}}),
                                     hash({{'a', 1}, {'b', 2}}, true),
                                     hash({{'a', 1}, {'b', 2}}, false, Unit::kCodePoint)};
  EXPECT_EQ(all.size(), 5u);
}

void expect_round_trip(const Vocabulary& vocabulary) {
  const std::string json = vocabulary.to_json();
  const Vocabulary read = Vocabulary::from_json(json, "vocabulary.json");
  EXPECT_EQ(read.to_json(), json);
  EXPECT_EQ(read.hash(), vocabulary.hash());
  EXPECT_EQ(read.unit(), vocabulary.unit());
  ASSERT_EQ(read.size(), vocabulary.size());
  for (uint32_t id = 0; id < read.size(); ++id) {
    EXPECT_EQ(read.characters()[id].value, vocabulary.characters()[id].value);
    EXPECT_EQ(read.characters()[id].count, vocabulary.characters()[id].count);
    EXPECT_EQ(read.decode(id), vocabulary.decode(id));
  }
}

TEST(Vocabulary, JsonRoundTripKeepsEveryKindOfCharacter) {
  std::vector<Vocabulary::Character> bytes;
  for (char32_t value = 0; value < 256; ++value) bytes.push_back({value, value + 1u});
  expect_round_trip(Vocabulary::from_counts(bytes, {}, Unit::kByte));
  expect_round_trip(
      Vocabulary::from_counts(bytes, {.min_count = 3, .max_size = 100, .unknown = true}, Unit::kByte));
  expect_round_trip(Vocabulary::from_counts({{0, 1},
                                             {0x1f, 1},
                                             {'"', 1},
                                             {'\\', 1},
                                             {0x7f, 1},
                                             {0x85, 1},
                                             {0x2028, 1},
                                             {0xfeff, 1},
                                             {0xfffd, 1},
                                             {0xffff, 1},
                                             {0x1f98a, 1},
                                             {0x10ffff, 1}},
                                            {.min_count = 1, .max_size = {}, .unknown = true},
                                            Unit::kCodePoint));
}

TEST(Vocabulary, JsonIsAsDocumented) {
  const Json json = Json::parse(limited(2, {}).to_json());
  EXPECT_EQ(json["format_version"], 1);
  EXPECT_EQ(json["unit"], "code_point");
  EXPECT_EQ(json["normalization"], "none");
  EXPECT_EQ(json["hash"], limited(2, {}).hash());
  EXPECT_EQ(json["characters"].dump(),
            R"([{"id":0,"character":"<unk>","count":1},{"id":1,"character":"a","count":3},)"
            R"({"id":2,"character":"b","count":3},{"id":3,"character":"c","count":5}])");
}

std::string json_error(const Json& json) {
  return error_of([&] { Vocabulary::from_json(json.dump(), "runs/a"); });
}

TEST(Vocabulary, HostileJsonIsRefusedWithTheReason) {
  for (const char* text : {"", "{", "[", "nul", "{\"a\":\"\xff\"}", "\"\\ud800\""}) {
    EXPECT_THAT(error_of([&] { Vocabulary::from_json(text, "runs/a"); }),
                AllOf(HasSubstr("the vocabulary in runs/a is not JSON"), HasSubstr("preprocess")));
  }
  EXPECT_THAT(error_of([] { Vocabulary::from_json(std::string(1000000, '['), "x"); }),
              HasSubstr("is not JSON"));
  EXPECT_THAT(json_error(Json::array()), HasSubstr("not a JSON object"));
  EXPECT_THAT(json_error(Json::object()), HasSubstr("has no \"format_version\""));

  const Json good = Json::parse(limited(2, {}).to_json());
  const auto with = [&](const char* pointer, const Json& value) {
    Json json = good;
    json[Json::json_pointer(pointer)] = value;
    return json_error(json);
  };
  EXPECT_THAT(with("/format_version", 2), AllOf(HasSubstr("format version 2"), HasSubstr("reads 1")));
  EXPECT_THAT(with("/format_version", "1"), HasSubstr("not a whole number"));
  EXPECT_THAT(with("/unit", "word"), HasSubstr("the unit \"word\", expected code_point or byte"));
  EXPECT_THAT(with("/unit", 1), HasSubstr("\"unit\" that is not a string"));
  EXPECT_THAT(with("/normalization", "nfd"),
              HasSubstr("the normalization \"nfd\", expected nfc, nfkc or none"));
  EXPECT_THAT(with("/characters", Json::array()), HasSubstr("empty list of characters"));
  EXPECT_THAT(with("/characters", "abc"), HasSubstr("not a list"));
  EXPECT_THAT(with("/characters/1", 5), AllOf(HasSubstr("entry 1"), HasSubstr("not an object")));
  EXPECT_THAT(with("/characters/1/id", 2), AllOf(HasSubstr("entry 1"), HasSubstr("the id 2, expected 1")));
  EXPECT_THAT(with("/characters/1/id", -1), HasSubstr("not a whole number"));
  EXPECT_THAT(with("/characters/1/count", 1.5), HasSubstr("\"count\" that is not a whole number"));
  EXPECT_THAT(with("/characters/1/character", "ab"), HasSubstr("not one character"));
  EXPECT_THAT(with("/characters/1/character", ""), HasSubstr("not one character"));
  EXPECT_THAT(with("/characters/1/character", "<unk>"), HasSubstr("can only be id 0"));
  EXPECT_THAT(with("/characters/2/character", "a"), HasSubstr("out of order"));
  EXPECT_THAT(with("/characters/3/character", "d"), HasSubstr("the hash of its characters is"));
  EXPECT_THAT(with("/hash", "77ab"), HasSubstr("has the hash 77ab"));
  EXPECT_THAT(with("/unit", "byte"), HasSubstr("the hash of its characters is"));
  Json wide = Json::parse(plain().to_json());
  wide["unit"] = "byte";
  wide["characters"][3]["character"] = "漢";
  EXPECT_THAT(json_error(wide), HasSubstr("is not a byte"));
}

}  // namespace
}  // namespace charrnn
