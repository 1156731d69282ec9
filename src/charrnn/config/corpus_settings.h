// The section `corpus`: what text a corpus is built from, how it is cleaned, split and cut into shards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "charrnn/config/enum_names.h"

namespace charrnn {

enum class Unit { kCodePoint, kByte };
constexpr auto names_of(Unit) {
  return enum_names("code_point", "byte");
}

enum class SplitBy { kAuto, kDocument, kTail, kList };
constexpr auto names_of(SplitBy) {
  return enum_names("auto", "document", "tail", "list");
}

enum class OnError { kStop, kSkip };
constexpr auto names_of(OnError) {
  return enum_names("stop", "skip");
}

enum class InvalidBytes { kError, kReplace, kSkip };
constexpr auto names_of(InvalidBytes) {
  return enum_names("error", "replace", "skip");
}

enum class LineEnds { kUnify, kKeep };
constexpr auto names_of(LineEnds) {
  return enum_names("unify", "keep");
}

enum class InvisibleCharacters { kKeep, kDrop };
constexpr auto names_of(InvisibleCharacters) {
  return enum_names("keep", "drop");
}

enum class Copies { kReport, kTogether, kIgnore };
constexpr auto names_of(Copies) {
  return enum_names("report", "together", "ignore");
}

enum class Gutenberg { kStrip, kKeep };
constexpr auto names_of(Gutenberg) {
  return enum_names("strip", "keep");
}

enum class Normalization { kNfc, kNfkc, kNone };
constexpr auto names_of(Normalization) {
  return enum_names("nfc", "nfkc", "none");
}

enum class JoinLines { kNewline, kSpace, kNothing };
constexpr auto names_of(JoinLines) {
  return enum_names("newline", "space", "nothing");
}

// An entry of corpus.sources: a path alone, or {path, encoding, json_field}.
struct SourceSettings {
  SourceSettings() = default;
  SourceSettings(std::string given_path) : path(std::move(given_path)) {}
  SourceSettings(const char* given_path) : path(given_path) {}
  bool operator==(const SourceSettings&) const = default;

  std::string path;
  std::optional<std::string> encoding;    // in place of corpus.encoding
  std::optional<std::string> json_field;  // in place of corpus.json_field
};

struct VocabularySettings {
  int64_t min_count = 1;            // rarer characters become <unk>
  std::optional<int64_t> max_size;  // of the vocabulary, <unk> included
  bool unknown = false;             // <unk> even if every character is kept
  std::string from = {};            // a vocabulary.json, corpus or run; empty: the corpus' own characters
};

struct SplitSettings {
  SplitBy by = SplitBy::kAuto;
  double valid = 0.05;                       // share of the text
  double test = 0.05;                        // share of the text
  std::vector<std::string> valid_list = {};  // documents by name or glob, or @FILE
  std::vector<std::string> test_list = {};
  Copies copies = Copies::kReport;  // equal and nearly equal documents in train and a held-out split
};

struct CorpusSettings {
  std::vector<SourceSettings> sources;
  std::string output;                   // folder of the shards
  std::optional<std::string> encoding;  // charset of the sources; not given: detected for each
  InvalidBytes invalid_bytes = InvalidBytes::kError;
  std::string json_field = "text";    // of a line of JSON
  OnError on_error = OnError::kStop;  // a file that is not text, not readable or empty
  LineEnds line_ends = LineEnds::kUnify;
  InvisibleCharacters invisible_characters = InvisibleCharacters::kKeep;
  Gutenberg gutenberg = Gutenberg::kStrip;  // Project Gutenberg's header, footer and licence
  double minimum_kept = 0.1;  // share of a text that Gutenberg::kStrip must leave, else it strips nothing
  Normalization normalization = Normalization::kNfc;
  bool transliterate = false;  // to ASCII
  bool lower_case = false;
  bool letters_only = false;                   // a to z and single spaces
  JoinLines join_lines = JoinLines::kNewline;  // what a line end becomes
  bool collapse_blanks = false;
  std::string document_end;               // character that ends each document
  std::optional<int64_t> max_characters;  // of the cleaned text, from its start
  std::string targets;                    // a text as long as the corpus; empty: each character's successor
  Unit unit = Unit::kCodePoint;           // one element of the vocabulary
  VocabularySettings vocabulary;
  SplitSettings split;
  int64_t shard_size = 67108864;  // characters of the longest shard
};

}  // namespace charrnn
