// corpus.targets: a text as long as the corpus, whose i-th character is the target of the corpus' i-th. It is
// cleaned like the corpus, and in memory as a whole: such texts are small, and the splits take it apart.
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

// The file that settings.targets names. Throws Error (exit code 2) if it is not a file.
Source find_target_source(const CorpusSettings& settings, const std::filesystem::path& spool_folder,
                          StopToken stop);

// Its characters are added to `counts`. Throws Error (exit code 2) if it cannot be read as text.
TargetText read_target_text(const Source& source, const CorpusSettings& settings, const BuildOptions& options,
                            int threads, CharacterCounts& counts);

}  // namespace charrnn
