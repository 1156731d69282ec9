#include "charrnn/run/resume_rules.h"

#include <algorithm>
#include <array>

#include "charrnn/config/config_file.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

// The settings that must not change. Dropout may: it is in the model's section, but not part of its shape.
constexpr std::array<std::string_view, 13> kFixed{
    "model.cell",     "model.head",           "model.tied_weights",
    "model.input",    "model.embedding_size", "model.hidden_size",
    "model.layers",   "train.batch_size",     "train.sequence_length",
    "train.sampling", "train.random_offset",  "train.optimizer.name",
    "run.seed"};

bool is_fixed(const std::string& path) {
  return std::find(kFixed.begin(), kFixed.end(), path) != kFixed.end();
}

}  // namespace

void refuse_fixed_changes(const Checkpoint& found, const Settings& now, const CorpusFolder& corpus) {
  std::string differences;
  const auto before_values = flatten(found.settings);
  for (const auto& [path, value] : flatten(now)) {
    if (is_fixed(path) && before_values.at(path) != value) {
      differences += concat("\n  ", path, " was ", before_values.at(path), ", is ", value);
    }
  }
  const Vocabulary vocabulary = Vocabulary::from_json(found.vocabulary_json, "the checkpoint");
  if (vocabulary.hash() != corpus.vocabulary().hash()) {
    differences += concat("\n  the vocabulary had hash ", vocabulary.hash().substr(0, 8), " (",
                          vocabulary.size(), " characters), is ", corpus.vocabulary().hash().substr(0, 8),
                          " (", corpus.vocabulary().size(), ")");
  } else if (found.corpus_hash != corpus.hash()) {
    differences += concat("\n  the corpus had hash ", found.corpus_hash.substr(0, 8), ", is ",
                          corpus.hash().substr(0, 8));
  }
  if (!differences.empty()) {
    fail_usage("the run in ", now.run.output, " is at step ", found.step,
               " and cannot resume with other values of what is fixed within a run:", differences,
               "\nrestore them, or start another run with --set run.output=FOLDER");
  }
}

std::vector<std::string> changed_settings(const Settings& before, const Settings& now) {
  std::vector<std::string> changes;
  const auto before_values = flatten(before);
  for (const auto& [path, value] : flatten(now)) {
    if (before_values.at(path) != value)
      changes.push_back(concat(path, ": ", before_values.at(path), " -> ", value));
  }
  return changes;
}

}  // namespace charrnn
