// charrnn_inspect PATH: prints the contents of a run, a checkpoint, a corpus folder or a shard.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "charrnn/checkpoint/run_folder.h"
#include "charrnn/checkpoint/safetensors.h"
#include "charrnn/config/config_file.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/tool_main.h"
#include "charrnn/corpus/describe.h"
#include "charrnn/corpus/report.h"
#include "charrnn/text/vocabulary.h"
#include "command_line.h"

namespace charrnn {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

ordered_json describe_checkpoint(const fs::path& file) {
  const SafetensorsFile contents = read_safetensors(file);
  const Checkpoint checkpoint = from_metadata(contents.metadata, file.string());
  const auto saved = [&](const char* owner, const char* name) {
    ordered_json number;  // null if the program that last edited the file dropped it
    const auto& owners = checkpoint.saved.owners();
    if (!owners.contains(owner) || !owners.at(owner).contains(name)) return number;
    std::visit([&](auto value) { number = value; }, owners.at(owner).at(name));
    return number;
  };
  const Vocabulary vocabulary = Vocabulary::from_json(checkpoint.vocabulary_json, file.string());
  ordered_json json{{"kind", "checkpoint"},
                    {"file", file.string()},
                    {"bytes", fs::file_size(file)},
                    {"build", contents.metadata.at("build")},
                    {"digest", contents.metadata.at("digest")},
                    {"edited", contents.is_edited},
                    {"step", checkpoint.step},
                    {"position",
                     {{"epoch", saved("trainer", "epoch")},
                      {"place", saved("trainer", "place")},
                      {"done", saved("trainer", "done")}}},
                    {"characters", saved("trainer", "characters")},
                    {"seconds", saved("log", "seconds")},
                    {"last_loss_nats", saved("log", "last_loss")},
                    {"best_loss_nats", saved("validation", "best_loss")},
                    {"skipped_steps", saved("trainer", "skipped")},
                    {"vocabulary", {{"size", vocabulary.size()}, {"hash", vocabulary.hash()}}},
                    {"corpus_hash", checkpoint.corpus_hash},
                    {"config", contents.metadata.at("config")}};
  for (const auto& [name, tensor] : contents.tensors) {
    json["tensors"].push_back({{"name", name},
                               {"shape", std::vector<int64_t>(tensor.sizes().begin(), tensor.sizes().end())},
                               {"type", at::toString(tensor.scalar_type())}});
  }
  return json;
}

std::string checkpoint_text(const ordered_json& json) {
  std::string text = concat(
      "checkpoint  ", json["file"].get<std::string>(), ", ", json["bytes"], " bytes, ",
      json["edited"].get<bool>() ? "changed by another program (its digest differs)" : "digest correct",
      "\nbuild       ", json["build"].get<std::string>(), "\nstep        ", json["step"], ", ",
      json["characters"], " characters in ", static_cast<int64_t>(json["seconds"].get<double>()),
      " s\nloss        ", json["last_loss_nats"], " nats in training, best validation loss ",
      json["best_loss_nats"], "\nposition    epoch ", json["position"]["epoch"], ", shard index ",
      json["position"]["place"], ", ", json["position"]["done"], " read by each lane\nvocabulary  ",
      json["vocabulary"]["size"], " characters, hash ", json["vocabulary"]["hash"].get<std::string>(),
      "\n\ntensors\n");
  for (const ordered_json& tensor : json["tensors"]) {
    text += concat("  ", tensor["name"].get<std::string>(), "  ", tensor["shape"].dump(), "  ",
                   tensor["type"].get<std::string>(), "\n");
  }
  return text + "\nconfig\n" + json["config"].get<std::string>();
}

ordered_json describe_run(const fs::path& path) {
  const RunFolder folder(path);
  fs::path file;
  const Checkpoint shown = open_run(path, &file);
  ordered_json json{{"kind", "run"}, {"path", path.string()}};
  for (const int64_t step : folder.steps()) json["checkpoints"].push_back(folder.checkpoint(step).string());
  for (const char* pointer : {"latest", "best"}) {
    if (const auto target = link_target(folder.checkpoints() / pointer)) json[pointer] = *target;
  }
  json["checkpoint"] = describe_checkpoint(file);
  return json;
}

std::string run_text(const ordered_json& json) {
  std::string text = concat("run         ", json["path"].get<std::string>(), ", ", json["checkpoints"].size(),
                            " checkpoints; latest ", json.value("latest", std::string("none")), ", best ",
                            json.value("best", std::string("none")), "\n");
  return text + checkpoint_text(json["checkpoint"]);
}

int inspect(const fs::path& path, bool as_json) {
  std::error_code problem;
  if (!fs::exists(path, problem)) {
    if (problem)
      fail_usage(path, " cannot be read: ", problem.message(), ": check the path and its permissions");
    fail_usage(path, " does not exist: expected a run, a checkpoint, a corpus folder or a shard");
  }
  ordered_json json;
  std::string (*to_text)(const ordered_json&) = nullptr;
  if (fs::is_directory(path)) {
    const bool is_corpus = fs::exists(path / "manifest.json");
    json = is_corpus ? describe_corpus(path) : describe_run(path);
    to_text = is_corpus ? corpus_text : run_text;
  } else {
    const bool is_shard = path.extension() == ".h5";
    json = is_shard ? describe_shard(path) : describe_checkpoint(checkpoint_file(path));
    to_text = is_shard ? shard_text : checkpoint_text;
  }
  const std::string text = (as_json ? json_line(json) : to_text(json)) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);  // it may contain NUL characters
  return 0;
}

int run_command(int argc, char** argv) {
  CLI::App app("Prints the contents of a run, a checkpoint, a corpus folder or a shard.", "charrnn_inspect");
  std::string path;
  bool as_json = false;
  add_version(app);
  app.add_option("path", path, "folder or file to print")->type_name("PATH")->required();
  app.add_flag("--json", as_json, "print one JSON object");
  const std::optional<Error> mistake = parse_command_line(app, argc, argv);
  return run_tool([&] {
    if (mistake) throw *mistake;
    return inspect(path, as_json);
  });
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return charrnn::run_command(argc, argv);
}
