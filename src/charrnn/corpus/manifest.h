// manifest.json: what a corpus was made from and what is in it. Written once by the builder, with nothing in
// it that depends on when or with how many threads; read by CorpusFolder, and by the next run, which ends at
// once where nothing has changed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "charrnn/config/settings.h"
#include "charrnn/corpus/copies.h"
#include "charrnn/data/corpus_folder.h"
#include "charrnn/text/cleaner.h"
#include "charrnn/text/document_cleaner.h"
#include "charrnn/text/source/charset.h"
#include "charrnn/text/source/examination.h"
#include "charrnn/text/source/sources.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

// One source: what it was, and what became of its characters.
struct SourceInfo {
  std::string name;
  std::string hash;    // of its bytes
  uint64_t bytes = 0;  // of the file
  Charset charset;
  uint64_t documents = 0;
  CleaningCounts counts;
  bool cuts_refused = false;    // Gutenberg's parts stayed, for less than corpus.minimum_kept would have
  uint64_t lines_left_out = 0;  // of JSON lines
  std::string first_line_left_out;
  bool behind_cut = false;  // of corpus.max_characters, so that it was not read
  std::string split;        // where it went, when it went there as a whole
  std::string problem;      // why it is not in the corpus; empty: it is

  // What became of a block of it.
  void note(const CleanBlock& clean);
};

SourceInfo source_info(const Source& source, const Examined& examined);

// As reports call a document: FILE:LINE for a JSON line.
std::string document_name(const std::string& source, uint64_t line);

// What fell to <unk>.
struct UnknownInfo {
  uint64_t count = 0;     // occurrences
  uint64_t distinct = 0;  // characters
  std::vector<Vocabulary::Character> most_frequent;
};

// Documents that do not end in a line end or blank, and run into the next one: no corpus.document_end.
struct RunTogether {
  uint64_t documents = 0;
  std::string first;  // the name of one

  // The documents of a block, in the order of the text.
  void note(const CleanBlock& clean, const std::string& source);

 private:
  bool is_open_ = false;  // the last document with text
  std::string last_;      // its name, as long as there is no first
};

struct Manifest {
  std::vector<SourceInfo> sources;
  std::optional<SourceInfo> targets;  // corpus.targets
  std::vector<SplitInfo> splits;
  SplitBy split_by = SplitBy::kTail;  // never kAuto
  UnknownInfo unknown;
  Baselines baselines;
  RunTogether run_together;
  std::optional<CopiesInfo> copies;  // where they were looked for
};

std::string manifest_json(const CorpusSettings& settings, const Vocabulary& vocabulary,
                          const Manifest& manifest);

// The settings that shape a corpus, as the manifest holds them: all but where it lies.
nlohmann::ordered_json corpus_settings_json(const CorpusSettings& settings);

// Dotted names, with commas, of the settings that have another value now than when the corpus in `folder` was
// made, but for those that name its sources. Empty where the manifest cannot be read.
std::string settings_that_differ(const std::filesystem::path& folder, const CorpusSettings& now);

// `settings` with the stages of cleaning that the corpus in `folder` was made with, as its manifest has them:
// they are what a model is trained on, whatever the config has now.
CorpusSettings with_recipe_of(const std::filesystem::path& folder, CorpusSettings settings);

// Of a source as it lies on disk now.
struct SourceState {
  std::string name;
  uint64_t bytes = 0;
};

// Whether the corpus in `folder` was made by these settings from sources of these names and sizes, and from
// these targets where there are any; then returns the hashes that they had, in the same order, that of the
// targets last. Never throws: what is damaged does not match.
std::optional<std::vector<std::string>> hashes_if_same(const std::filesystem::path& folder,
                                                       const CorpusSettings& settings,
                                                       const std::vector<SourceState>& sources,
                                                       const std::optional<SourceState>& targets);

}  // namespace charrnn
