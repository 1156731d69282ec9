// own_schedule CORPUS MODEL: trains a small model on a corpus that charrnn_preprocess built, with a learning
// rate that rises for the first half of the steps and falls in the second, and writes it to the file MODEL,
// which the tools and continue_prefix open.
#include <charrnn/checkpoint/checkpoint.h>
#include <charrnn/comm/solo.h>
#include <charrnn/core/error.h>
#include <charrnn/corpus/corpus_recipe.h>
#include <charrnn/data/corpus_folder.h>
#include <charrnn/train/trainer.h>

#include <algorithm>
#include <cstdio>

namespace {

constexpr int64_t kSteps = 60;

double rate_after(int64_t step) {
  const double half = kSteps / 2.0;
  const auto done = static_cast<double>(step);
  return 0.02 * std::min(done + 1, kSteps - done) / half;
}

void train(const char* corpus_folder, const char* model_file) {
  const auto corpus = charrnn::CorpusFolder::open(corpus_folder);
  charrnn::Settings settings;
  settings.corpus = charrnn::with_recipe_of(corpus_folder, settings.corpus);  // prefixes will be cleaned so
  settings.model.embedding_size = 16;
  settings.model.hidden_size = 64;
  settings.model.layers = 1;
  settings.train.batch_size = 16;
  settings.train.sequence_length = 32;

  charrnn::CharRnn model(settings.model, static_cast<int64_t>(corpus.vocabulary().size()));
  model.initialize(/*seed=*/1);
  const auto alone = charrnn::make_solo_communicator();
  charrnn::Trainer trainer(settings, rate_after, model, *alone, corpus.require_split("train"));
  for (int64_t step = 1; step <= kSteps; ++step) {
    trainer.begin_window();
    trainer.step();
    trainer.settle();
    const auto& progress = trainer.progress();
    std::printf("step %lld  rate %.6f  loss %.4f nats\n", static_cast<long long>(step), trainer.rate(),
                progress.window_loss_sum / progress.window_count);
  }

  charrnn::Checkpoint checkpoint;
  checkpoint.settings = settings;
  checkpoint.describe(corpus);
  trainer.save_to(checkpoint);
  charrnn::write_checkpoint(model_file, checkpoint);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: own_schedule CORPUS MODEL\n", stderr);
    return 2;
  }
  try {
    train(argv[1], argv[2]);
  } catch (const charrnn::Error& error) {
    std::fprintf(stderr, "own_schedule: %s\n", error.what());
    return error.kind() == charrnn::ErrorKind::kInput ? 2 : 1;
  }
}
