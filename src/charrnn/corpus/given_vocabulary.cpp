#include "charrnn/corpus/given_vocabulary.h"

#include <filesystem>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/error.h"

namespace charrnn {

Vocabulary read_given_vocabulary(const CorpusSettings& settings) {
  const std::filesystem::path given = settings.vocabulary.from;
  const std::filesystem::path file = std::filesystem::is_directory(given) ? given / "vocabulary.json" : given;
  if (!std::filesystem::exists(file)) {
    fail_usage("corpus.vocabulary.from is ", given.string(), ", but ", file.string(),
               " does not exist: set it to a vocabulary.json, or to a corpus or run that has one");
  }
  const Vocabulary vocabulary = Vocabulary::from_json(read_file(file), file.string());
  if (vocabulary.unit() != settings.unit || vocabulary.normalization() != settings.normalization) {
    fail_usage("the vocabulary ", file.string(), " of corpus.vocabulary.from was made with unit ",
               enum_name(vocabulary.unit()), " and normalization ", enum_name(vocabulary.normalization()),
               ", expected those of the corpus, ", enum_name(settings.unit), " and ",
               enum_name(settings.normalization),
               ": set corpus.unit and corpus.normalization to those of the vocabulary");
  }
  return vocabulary;
}

}  // namespace charrnn
