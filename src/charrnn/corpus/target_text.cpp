#include "charrnn/corpus/target_text.h"

#include <utility>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/corpus/clean_blocks.h"
#include "charrnn/corpus/corpus_text.h"
#include "charrnn/text/clean_block.h"
#include "charrnn/text/source/examination.h"
#include "charrnn/text/source/sources.h"

namespace charrnn {

Source find_target_source(const CorpusSettings& settings, const std::filesystem::path& spool_folder,
                          StopToken stop) {
  if (!std::filesystem::is_regular_file(settings.targets)) {
    fail_usage("corpus.targets is ", settings.targets,
               ", which is not a file: expected a text with one target ", "for each character of the corpus");
  }
  CorpusSettings alone = settings;
  alone.sources = {settings.targets};
  FoundSources found = find_sources(alone, spool_folder, {}, stop);
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
  struct Block {
    CleanBlock clean;
  };
  CleanBlocks(text, BuildStage::kTargets)
      .for_each_clean_block<Block>(
          sources.size(), [](Block&) {},
          [&](Block& block) {
            targets.utf8 += block.clean.block.text;
            for (const DocumentPart& part : block.clean.parts) targets.length += part.units;
            targets.info.note(block.clean);
          },
          [](Block&) {});
  counts.add(targets.utf8, settings.unit);
  return targets;
}

}  // namespace charrnn
