// continue_prefix RUN PREFIX [SEED]: text that a run's model writes after a prefix. RUN is the run's folder
// or one of its checkpoints. With the same seed charrnn_sample prints the same text.
#include <charrnn/core/error.h>
#include <charrnn/generate/trained_model.h>

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: continue_prefix RUN PREFIX [SEED]\n";
    return 2;
  }
  try {
    const auto model = charrnn::TrainedModel::open(argv[1]);
    charrnn::ContinueOptions options{.length = 200};
    if (argc > 3) options.seed = std::strtoull(argv[3], nullptr, 10);
    std::cout << model.clean(argv[2]).text << model.continue_text(argv[2], options) << '\n';
  } catch (const charrnn::Error& error) {
    std::cerr << "continue_prefix: " << error.what() << '\n';
    return error.kind() == charrnn::ErrorKind::kInput ? 2 : 1;
  }
}
