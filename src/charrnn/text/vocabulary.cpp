#include "charrnn/text/vocabulary.h"

#include <algorithm>
#include <array>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/core/hash.h"
#include "charrnn/text/json_source.h"
#include "charrnn/text/normalizer.h"
#include "charrnn/text/similar_characters.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

using Characters = std::vector<Vocabulary::Character>;

constexpr int kFormatVersion = 1;
constexpr std::string_view kUnknownName = "<unk>";
constexpr size_t kOutsideShown = 20;

bool by_value(const Vocabulary::Character& a, const Vocabulary::Character& b) {
  return a.value < b.value;
}

bool more_frequent(const Vocabulary::Character& a, const Vocabulary::Character& b) {
  return a.count != b.count ? a.count > b.count : a.value < b.value;
}

std::string identity_hash(Unit unit, const Characters& characters) {
  Hasher hasher;
  hasher.add(enum_name(unit));
  for (const auto& character : characters) {
    const auto value = static_cast<uint32_t>(character.value);
    std::array<std::byte, 4> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(value >> (8 * i));
    hasher.add(bytes);
  }
  return hasher.hex();
}

// How a character is written in JSON. A byte is written as the code point of its value.
std::string json_name(char32_t value) {
  if (value == Vocabulary::kUnknown) return std::string(kUnknownName);
  std::string name;
  append_utf8(value, name);
  return name;
}

Unit read_unit(const JsonSource& source) {
  const std::string& name = source.text(source.root(), "unit");
  for (const Unit unit : {Unit::kCodePoint, Unit::kByte}) {
    if (name == enum_name(unit)) return unit;
  }
  source.reject("has the unit \"", name, "\", expected code_point or byte");
}

Normalization read_normalization(const JsonSource& source) {
  const std::string& name = source.text(source.root(), "normalization");
  for (const Normalization form : {Normalization::kNfc, Normalization::kNfkc, Normalization::kNone}) {
    if (name == enum_name(form)) return form;
  }
  source.reject("has the normalization \"", name, "\", expected nfc, nfkc or none");
}

char32_t read_value(const JsonSource& source, const std::string& name, Unit unit, const std::string& where) {
  if (name == kUnknownName) return Vocabulary::kUnknown;
  const std::u32string value = decode_utf8(name);  // valid: it comes out of JSON
  if (value.size() != 1) source.reject(where, "has a \"character\" that is not one character");
  if (unit == Unit::kByte && value[0] > 0xff) source.reject(where, "has a \"character\" that is not a byte");
  return value[0];
}

Characters read_characters(const JsonSource& source, Unit unit) {
  const JsonSource::Json& list = source.list(source.root(), "characters");
  if (list.empty()) source.reject("has an empty list of characters");
  Characters characters;
  for (const JsonSource::Json& entry : list) {
    const size_t id = characters.size();
    const std::string where = "(entry " + std::to_string(id) + " of characters) ";
    const uint64_t given_id = source.number(entry, "id", where);
    if (given_id != id) source.reject(where, "has the id ", given_id, ", expected ", id);
    const char32_t value = read_value(source, source.text(entry, "character", where), unit, where);
    if (value == Vocabulary::kUnknown && id != 0) source.reject(where, "is <unk>, which can only be id 0");
    const bool after_unknown = id == 1 && characters[0].value == Vocabulary::kUnknown;
    if (id > 0 && !after_unknown && value <= characters.back().value) {
      source.reject(where, "is out of order: characters must ascend by code point");
    }
    characters.push_back({value, source.number(entry, "count", where)});
  }
  return characters;
}

}  // namespace

Vocabulary::Vocabulary(Unit unit, Normalization normalization, Characters characters)
    : unit_(unit),
      normalization_(normalization),
      characters_(std::move(characters)),
      hash_(identity_hash(unit_, characters_)) {}

Vocabulary Vocabulary::from_counts(const Characters& counts, const VocabularySettings& settings, Unit unit,
                                   Normalization normalization) {
  Characters kept;
  uint64_t fallen_count = 0;
  bool fell_out = false;
  const auto drop = [&](const Character& character) {
    fallen_count += character.count;
    fell_out = true;
  };
  for (const Character& character : counts) {
    if (character.count == 0) continue;
    if (character.count < static_cast<uint64_t>(settings.min_count)) {
      drop(character);
    } else {
      kept.push_back(character);
    }
  }
  if (settings.max_size) {
    const auto limit = static_cast<size_t>(*settings.max_size);
    const bool needs_unknown = fell_out || settings.unknown || kept.size() > limit;
    const size_t room = limit - (needs_unknown ? 1 : 0);
    if (kept.size() > room) {
      std::sort(kept.begin(), kept.end(), more_frequent);
      std::for_each(kept.begin() + static_cast<ptrdiff_t>(room), kept.end(), drop);
      kept.resize(room);
    }
  }
  if (kept.empty()) {
    fail_usage("no character occurs as often as corpus.vocabulary.min_count (", settings.min_count,
               " times): expected at least one for the vocabulary: lower min_count or add text");
  }
  std::sort(kept.begin(), kept.end(), by_value);
  if (fell_out || settings.unknown) kept.insert(kept.begin(), {kUnknown, fallen_count});
  return Vocabulary(unit, normalization, std::move(kept));
}

Vocabulary Vocabulary::with_counts(const Characters& counts) const {
  const Characters outside = characters_outside(*this, counts);
  if (!outside.empty() && !has_unknown()) {
    std::string names;
    for (size_t i = 0; i < std::min(outside.size(), kOutsideShown); ++i) {
      names += concat(i == 0 ? "" : ", ", unit_ == Unit::kByte ? "byte " : "",
                      character_name(outside[i].value), " ", outside[i].count, " times");
    }
    fail_usage("the text has ", outside.size(), " characters that the vocabulary of ",
               "corpus.vocabulary.from lacks, and it has no <unk>: ", names,
               ": use a vocabulary with <unk> (built with corpus.vocabulary.unknown: true), or remove ",
               "these characters by cleaning");
  }
  Characters characters = characters_;
  for (Character& character : characters) character.count = 0;
  for (const Character& seen : counts) {
    if (seen.count > 0) characters[find(seen.value).value_or(0)].count += seen.count;
  }
  return Vocabulary(unit_, normalization_, std::move(characters));
}

Characters characters_outside(const Vocabulary& vocabulary, const Characters& counts) {
  Characters outside;
  for (const Vocabulary::Character& character : counts) {
    if (character.count > 0 && !vocabulary.find(character.value)) outside.push_back(character);
  }
  std::sort(outside.begin(), outside.end(), more_frequent);
  return outside;
}

Vocabulary Vocabulary::from_json(std::string_view json, std::string_view origin) {
  const JsonSource source(json, concat("the vocabulary in ", origin));
  const uint64_t version = source.number(source.root(), "format_version");
  if (version != kFormatVersion) {
    source.reject("has format version ", version, ", this charrnn reads ", kFormatVersion);
  }
  const Unit unit = read_unit(source);
  Vocabulary vocabulary(unit, read_normalization(source), read_characters(source, unit));
  const std::string& hash = source.text(source.root(), "hash");
  if (hash != vocabulary.hash()) {
    source.reject("has the hash ", hash, ", but the hash of its characters is ", vocabulary.hash());
  }
  return vocabulary;
}

std::string Vocabulary::to_json() const {
  std::string text = concat("{\n  \"format_version\": ", kFormatVersion, ",\n  \"unit\": \"",
                            enum_name(unit_), "\",\n  \"normalization\": \"", enum_name(normalization_),
                            "\",\n  \"hash\": \"", hash_, "\",\n  \"characters\": [");
  for (size_t id = 0; id < characters_.size(); ++id) {
    const JsonSource::Json entry = {
        {"id", id}, {"character", json_name(characters_[id].value)}, {"count", characters_[id].count}};
    text += (id == 0 ? "\n    " : ",\n    ") + entry.dump();
  }
  return text + "\n  ]\n}\n";
}

std::optional<uint32_t> Vocabulary::find(char32_t character) const {
  const auto first = characters_.begin() + (has_unknown() ? 1 : 0);
  const auto found = std::lower_bound(first, characters_.end(), Character{character, 0}, by_value);
  if (found == characters_.end() || found->value != character) return std::nullopt;
  return static_cast<uint32_t>(found - characters_.begin());
}

uint32_t Vocabulary::id(char32_t character) const {
  const std::optional<uint32_t> found = find(character);
  check(found || has_unknown(), "the vocabulary (", size(), " characters, no <unk>) lacks ",
        character_name(character), ": preprocess with corpus.vocabulary.unknown: true");
  return found.value_or(0);
}

namespace {

// ", but it has 't' (U+0074)": characters that may have been meant.
std::string suggestion(const Vocabulary& vocabulary, const std::u32string& units, size_t place) {
  if (vocabulary.unit() == Unit::kByte) return "";
  std::u32string known;
  for (const Vocabulary::Character& character : vocabulary.characters()) {
    if (character.value != Vocabulary::kUnknown) known += character.value;
  }
  std::string names;
  for (const char32_t similar : similar_characters(known, place == 0 ? 0 : units[place - 1], units[place])) {
    names += concat(names.empty() ? ", but it has " : ", ", character_name(similar));
  }
  return names;
}

std::string unit_name(Unit unit, char32_t value) {
  return unit == Unit::kByte ? concat("byte ", static_cast<uint32_t>(value)) : character_name(value);
}

}  // namespace

std::vector<uint32_t> Vocabulary::encode(std::string_view utf8, UnknownCharacters unknown) const {
  require_utf8(utf8, "the text");
  std::string text(utf8);
  normalize(text, normalization_);
  std::u32string units;
  if (unit_ == Unit::kByte) {
    for (const char byte : text) units += static_cast<unsigned char>(byte);
  } else {
    units = decode_utf8(text);
  }
  std::vector<uint32_t> ids;
  // With Unit::kByte a character has up to four bytes, and is skipped as a whole.
  const auto goes_on = [&](size_t place) {
    return unit_ == Unit::kByte && place < units.size() && (units[place] & 0xc0U) == 0x80U;
  };
  size_t whole = 0;  // ids of the characters before this one
  for (size_t place = 0; place < units.size(); ++place) {
    if (!goes_on(place)) whole = ids.size();
    const std::optional<uint32_t> found = find(units[place]);
    if (found) {
      ids.push_back(*found);
    } else if (unknown == UnknownCharacters::kUnk && has_unknown()) {
      ids.push_back(0);
    } else if (unknown == UnknownCharacters::kSkip) {
      ids.resize(whole);
      while (goes_on(place + 1)) ++place;
    } else {
      fail_usage("the vocabulary has no ", unit_name(unit_, units[place]),
                 unit_ == Unit::kByte ? " (byte " : " (character ", place + 1, " of the text)",
                 unknown == UnknownCharacters::kUnk ? " and no <unk>" : "", suggestion(*this, units, place),
                 ": change the text, or set sample.unknown_characters (charrnn_sample --unknown) to ",
                 has_unknown() ? "unk or skip" : "skip");
    }
  }
  return ids;
}

std::string Vocabulary::decode(uint32_t id) const {
  check(id < size(), "expected an id below ", size(), " (the vocabulary's size), found ", id,
        ": this text belongs to another vocabulary");
  const char32_t value = characters_[id].value;
  if (unit_ == Unit::kByte && value != kUnknown) return std::string(1, static_cast<char>(value));
  std::string text;
  append_utf8(value == kUnknown ? kReplacement : value, text);
  return text;
}

}  // namespace charrnn
