#include "charrnn/run/start_text.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "charrnn/core/error.h"
#include "charrnn/core/number_text.h"
#include "charrnn/run/resume_rules.h"
#include "charrnn/train/schedule.h"

namespace charrnn {
namespace {

// ", of which <unk> is 3.1 % of the text": the loss counts it as a character like any other.
std::string unknown_share_text(const Vocabulary& vocabulary) {
  if (!vocabulary.has_unknown() || vocabulary.characters().front().count == 0) return "";
  double all = 0;
  for (const Vocabulary::Character& character : vocabulary.characters())
    all += static_cast<double>(character.count);
  const double share = static_cast<double>(vocabulary.characters().front().count) / all;
  return concat(", of which <unk> is ", std::round(1000 * share) / 10, " % of the text");
}

}  // namespace

std::string start_text(const PreparedRun& run, const Trainer& trainer, const Communicator& comm) {
  const Settings& settings = run.settings;
  const Vocabulary& vocabulary = run.corpus.vocabulary();
  const auto characters = static_cast<int64_t>(run.corpus.require_split("train").characters);
  std::string text = concat(
      "model     ", settings.model.layers, " x ", enum_name(settings.model.cell), " of ",
      settings.model.hidden_size, ", ", with_thousands(run.model.parameters().count()),
      " parameters\ncorpus    ", settings.corpus.output, ": ", with_thousands(characters),
      " characters to train on, ", vocabulary.size(), " in the vocabulary", unknown_share_text(vocabulary),
      "\nranks     ", comm.size(), " (", comm.backend(), "), ", run.model.device().str(), ", ",
      plural(at::get_num_threads(), "thread"), " each\nprecision ",
      enum_name(with_precision(settings, run.precision).train.precision),
      settings.train.precision == Precision::kAuto ? " (train.precision: auto)" : "", "\nrun       ",
      settings.run.output, ": ", with_thousands(run.total_steps), " steps of ", settings.train.batch_size,
      " lanes x ", settings.train.sequence_length.text(), " characters, ", trainer.plan().steps_in_epoch(0),
      " steps per epoch\nsettings  all in ", run.folder.config().string());
  if (trainer.progress().step == 0) {
    text += "; different from the default:";
    for (const std::string& setting : changed_settings(Settings(), settings)) text += "\n  " + setting;
  }
  return text + "\n";
}

std::string rate_change_text(const PreparedRun& run, double factor) {
  const auto rate = [&](const Settings& settings) {
    return factor * learning_rate(settings.train, run.found->step,
                                  total_steps_of(settings, run.corpus.require_split("train")));
  };
  const double before = rate(run.found->settings);
  const double now = rate(run.settings);
  if (before == now) return "";
  return concat("  learning rate of step ", with_thousands(run.found->step + 1), ": ", before, " -> ", now,
                "\n");
}

}  // namespace charrnn
