#include "charrnn/corpus/target_text.h"

#include <oneapi/tbb/enumerable_thread_specific.h>

#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/core/ordered_pipeline.h"
#include "charrnn/corpus/block_reader.h"
#include "charrnn/corpus/text_cut.h"
#include "charrnn/text/document_cleaner.h"
#include "charrnn/text/source/examination.h"

namespace charrnn {

Source find_target_source(const CorpusSettings& settings, const std::filesystem::path& spool_folder) {
  if (!std::filesystem::is_regular_file(settings.targets)) {
    fail_usage("corpus.targets is ", settings.targets, ", which is no file: expected a text with one target ",
               "for each character of the corpus");
  }
  CorpusSettings alone = settings;
  alone.sources = {settings.targets};
  FoundSources found = find_sources(alone, spool_folder);
  if (!found.problems.empty()) fail_usage("corpus.targets: ", found.problems.front().reason);
  return std::move(found.sources.front());
}

TargetText read_target_text(const Source& source, const CorpusSettings& settings, const BuildOptions& options,
                            int threads, CharacterCounts& counts) {
  const std::vector<Source> sources{source};
  const std::vector<Examined> examined = examine(sources, settings, threads, [](uint64_t) {});
  if (!examined.front().problem.empty()) fail_usage("corpus.targets: ", examined.front().problem);

  TargetText targets;
  targets.info = source_info(source, examined.front());
  const CorpusText text{sources, examined, settings, options, threads, sources.size()};
  BlockReader reader(text, BuildStage::kTargets);
  TextCut cut(settings);
  tbb::enumerable_thread_specific<DocumentCleaner> cleaners([&] { return DocumentCleaner(settings); });
  run_ordered_pipeline<CleanBlock>(
      threads, [&](CleanBlock& clean) { return reader.next(clean.block); },
      [&](CleanBlock& clean) { cleaners.local().clean(clean, source); },
      [&](CleanBlock& clean) {
        cut.cut(clean);
        targets.utf8 += clean.block.text;
        for (const DocumentPart& part : clean.parts) targets.length += part.units;
        targets.info.note(clean);
      },
      [](CleanBlock&) {});
  counts.add(targets.utf8, settings.unit);
  return targets;
}

}  // namespace charrnn
