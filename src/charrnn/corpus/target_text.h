// corpus.targets: a text as long as the corpus, whose i-th character is the target of the corpus' i-th. It is
// cleaned like the corpus, and held in memory as a whole: such texts are small.
#pragma once

#include <filesystem>
#include <string>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/core/stop_token.h"
#include "charrnn/corpus/build_options.h"
#include "charrnn/corpus/source_info.h"
#include "charrnn/text/character_counts.h"
#include "charrnn/text/source/source.h"

namespace charrnn {

struct TargetText {
  SourceInfo info;
  std::string utf8;     // clean, and cut at corpus.max_characters
  uint64_t length = 0;  // characters, or bytes with Unit::kByte
};

// The source for the file settings.targets. Throws Error (kInput) if that is not a file.
Source find_target_source(const CorpusSettings& settings, const std::filesystem::path& spool_folder,
                          StopToken stop);

// Adds the characters to `counts`. Throws Error (kInput) if the source cannot be read as text.
TargetText read_target_text(const Source& source, const CorpusSettings& settings, const BuildOptions& options,
                            int threads, CharacterCounts& counts);

}  // namespace charrnn
