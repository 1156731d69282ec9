// Whether building a corpus again from its sources and settings would give the one that is in its folder.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "charrnn/config/corpus_settings.h"
#include "charrnn/text/source/source.h"
#include "charrnn/text/source/sources.h"
#include "charrnn/text/vocabulary.h"

namespace charrnn {

// Compares settings, names, sizes and, on `threads` threads, the bytes of the sources and of the targets;
// `progress` is called with the bytes compared so far and the total, one call at a time. `vocabulary` is that
// of corpus.vocabulary.from. A damaged corpus is not up to date.
bool is_up_to_date(const CorpusSettings& settings, const FoundSources& found,
                   const std::optional<Source>& targets, const std::optional<Vocabulary>& vocabulary,
                   int threads, const std::function<void(uint64_t done, uint64_t total)>& progress);

}  // namespace charrnn
