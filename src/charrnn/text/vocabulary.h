// The characters of a model, each with its id in [0, V): sorted by code point, so that equal text gives equal
// ids. <unk>, if the vocabulary has it, is id 0 and replaces every other character. Stored as vocabulary.json
// and inside checkpoints. Errors in what a user typed are of kInput.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/config/sample_settings.h"

namespace charrnn {

class Vocabulary {
 public:
  // With Unit::kByte a character is a byte, its value 0 to 255.
  struct Character {
    char32_t value;
    uint64_t count;  // in the whole corpus; of <unk>: of all characters that it replaces
  };
  static constexpr char32_t kUnknown = 0xffffffff;  // the value of <unk>, which no character has

  // `counts` in any order, each character once; those that were never seen are left out.
  static Vocabulary from_counts(const std::vector<Character>& counts, const VocabularySettings& settings,
                                Unit unit, Normalization normalization = Normalization::kNone);

  // The same characters and ids with the counts of another text. If that has characters that the vocabulary
  // lacks and there is no <unk>, throws Error (kInput) with the most frequent of them.
  Vocabulary with_counts(const std::vector<Character>& counts) const;

  // Checks everything. `origin`, such as the file that the text is from, is for messages.
  static Vocabulary from_json(std::string_view json, std::string_view origin);
  std::string to_json() const;

  size_t size() const { return characters_.size(); }  // V
  Unit unit() const { return unit_; }
  Normalization normalization() const { return normalization_; }  // of the text that it was made from
  bool has_unknown() const { return characters_.front().value == kUnknown; }
  const std::vector<Character>& characters() const { return characters_; }  // by id

  // Of unit and ordered characters only: equal hashes mean equal ids, whatever the counts.
  const std::string& hash() const { return hash_; }

  // nullopt if the vocabulary lacks the character, even if it has <unk>.
  std::optional<uint32_t> find(char32_t character) const;
  // Falls back to <unk>; throws if there is no <unk>.
  uint32_t id(char32_t character) const;

  // The ids of a text, normalised like the corpus; `unknown` is what to do with characters that the
  // vocabulary lacks. Throws (kInput) at invalid UTF-8, and, with the character and its place, if such a
  // character is an error, or is to become <unk> and the vocabulary has no <unk>.
  std::vector<uint32_t> encode(std::string_view utf8,
                               UnknownCharacters unknown = UnknownCharacters::kError) const;

  // UTF-8 of one id: <unk> gives U+FFFD; with Unit::kByte the byte itself. Throws if id >= V.
  std::string decode(uint32_t id) const;

 private:
  Vocabulary(Unit unit, Normalization normalization, std::vector<Character> characters);

  Unit unit_;
  Normalization normalization_;
  std::vector<Character> characters_;
  std::string hash_;
};

// The characters of `counts` that the vocabulary lacks, the most frequent first.
std::vector<Vocabulary::Character> characters_outside(const Vocabulary& vocabulary,
                                                      const std::vector<Vocabulary::Character>& counts);

}  // namespace charrnn
