#include "charrnn/config/config_file.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string problem_of(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  try {
    parse_config(yaml, "run.yaml", overrides);
  } catch (const Error& problem) {
    EXPECT_EQ(problem.kind(), ErrorKind::kInput);
    return problem.what();
  }
  return "no problem";
}

TEST(Config, ReadsEveryKindOfValue) {
  const Config config = parse_config(R"(
corpus: {sources: [data/a, "b c"], unit: byte, vocabulary: {max_size: 256}}
model: {hidden_size: 1024, dropout: 0.25}
train:
  steps: 7
  random_offset: false
  optimizer: {name: adamw, learning_rate: 0.004}
sample: {temperatures: [0.5, 1]}
run: {threads: auto}
)",
                                     "run.yaml");
  const Settings& s = config.settings;
  EXPECT_THAT(s.corpus.sources, testing::ElementsAre(SourceSettings("data/a"), SourceSettings("b c")));
  EXPECT_EQ(s.corpus.unit, Unit::kByte);
  EXPECT_EQ(s.corpus.vocabulary.max_size, 256);
  EXPECT_EQ(s.model.hidden_size, 1024);
  EXPECT_EQ(s.model.dropout, 0.25);
  EXPECT_EQ(s.train.steps, 7);
  EXPECT_FALSE(s.train.random_offset);
  EXPECT_EQ(s.train.optimizer.name, OptimizerName::kAdamW);
  EXPECT_EQ(s.train.optimizer.learning_rate, 0.004);
  EXPECT_THAT(s.sample.temperatures, testing::ElementsAre(0.5, 1.0));
  EXPECT_FALSE(s.run.threads.has_value());
  EXPECT_EQ(s.train.batch_size, TrainSettings().batch_size) << "not given: the default";
}

TEST(Config, UnknownKeyNamesLineAndNearest) {
  EXPECT_THAT(problem_of("train:\n  steps: 3\n  batch_sise: 3\n"),
              AllOf(HasSubstr("run.yaml:3"), HasSubstr("train.batch_sise"),
                    HasSubstr("did you mean `train.batch_size`"), HasSubstr("sequence_length")));
  EXPECT_THAT(problem_of("trian: {steps: 3}\n"),
              AllOf(HasSubstr("run.yaml:1"), HasSubstr("did you mean `train`")));
  EXPECT_THAT(problem_of("train: {optimizer: {nam: sgd}}\n"), HasSubstr("`train.optimizer.name`"));
}

TEST(Config, WrongTypeSaysWhatIsValid) {
  EXPECT_THAT(
      problem_of("model:\n  layers: two\n"),
      AllOf(HasSubstr("run.yaml:2"), HasSubstr("model.layers is `two`"), HasSubstr("a whole number")));
  EXPECT_THAT(problem_of("model: {layers: 2.5}"), HasSubstr("a whole number"));
  EXPECT_THAT(problem_of("model: {layers: [1, 2]}"), HasSubstr("a whole number"));
  EXPECT_THAT(problem_of("train: {optimizer: {name: adma}}"), HasSubstr("sgd | rmsprop | adam | adamw"));
  EXPECT_THAT(problem_of("train: {random_offset: maybe}"), HasSubstr("true or false"));
  EXPECT_THAT(problem_of("train: {clip_norm: .nan}"), HasSubstr("a number"));
  EXPECT_THAT(problem_of("train: 3"), HasSubstr("is a section"));
  EXPECT_THAT(problem_of("run: {threads: many}"), HasSubstr("a whole number or auto"));
}

TEST(Config, OutOfRange) {
  EXPECT_THAT(problem_of("model: {dropout: 1.5}"),
              AllOf(HasSubstr("model.dropout is 1.5"), HasSubstr("0 to 0.95")));
  EXPECT_THAT(problem_of("train: {batch_size: 0}"), HasSubstr("1 to"));
  EXPECT_THAT(problem_of("sample: {temperatures: [1, -1]}"), HasSubstr("0 to 100"));
}

TEST(Config, ImpossibleCombinations) {
  EXPECT_THAT(problem_of("train: {steps: 3, epochs: 1}"), HasSubstr("both say how long"));
  EXPECT_THAT(problem_of("corpus: {split: {valid: 0.5, test: 0.5}}"), HasSubstr("less than 1"));
  EXPECT_THAT(problem_of("train: {steps: 3, schedule: {warmup_steps: 4}}"), HasSubstr("longer than the run"));
  EXPECT_THAT(problem_of("train: {optimizer: {momentum: 0.9}}"), HasSubstr("belongs to sgd"));
  EXPECT_THAT(problem_of("run: {device: cpu}\ncomm: {backend: nccl}"), HasSubstr("needs GPUs"));
  EXPECT_THAT(problem_of("train: {sampling: random, sequence_length: [2, 3]}"), HasSubstr("equally long"));
  EXPECT_THAT(problem_of("train: {schedule: {name: plateau}}\nevaluate: {every: 0}"),
              HasSubstr("give evaluate.every"));
}

TEST(Config, RangesOfLengths) {
  const auto length = [](const std::string& text) {
    return parse_config("train: {sequence_length: " + text + "}", "run.yaml").settings.train.sequence_length;
  };
  EXPECT_EQ(length("7"), LengthRange(7));
  EXPECT_EQ(length("[10, 40]"), LengthRange(10, 40));
  EXPECT_EQ(length("[10, 40]").mean(), 25);
  for (const std::string wrong : {"[40, 10]", "[1, 2, 3]", "[5]", "[1, x]", "1.5"}) {
    EXPECT_THAT(problem_of("train: {sequence_length: " + wrong + "}"), HasSubstr("[10, 40]")) << wrong;
  }
  EXPECT_THAT(problem_of("train: {sequence_length: [0, 3]}"), HasSubstr("1 to"));
}

TEST(Config, GreedyIsATemperature) {
  const Settings settings = parse_config("sample: {temperatures: [greedy, 0.5, 0]}", "run.yaml").settings;
  EXPECT_EQ(settings.sample.temperatures, (std::vector<Temperature>{0, 0.5, 0}));
  EXPECT_EQ(flatten(settings).at("sample.temperatures"), "[greedy, 0.5, greedy]");
  EXPECT_THAT(problem_of("sample: {temperatures: [greed]}"), HasSubstr("a number or greedy"));
}

TEST(Config, ReportsAllProblemsAtOnce) {
  EXPECT_THAT(problem_of("model: {layers: x}\ntrain: {stpes: 1}"),
              AllOf(HasSubstr("layers"), HasSubstr("stpes")));
}

TEST(Config, NotYamlAndRepeatedKeys) {
  EXPECT_THAT(problem_of("train: {steps: 3"), AllOf(HasSubstr("run.yaml:"), HasSubstr("not YAML")));
  EXPECT_THAT(problem_of("- a\n- b\n"), HasSubstr("expected sections"));
  EXPECT_THAT(problem_of("train:\n  steps: 3\n  steps: 4\n"), HasSubstr("given twice"));
}

TEST(Config, OverridesWinAndAreNamed) {
  const Config config = parse_config(
      "train: {batch_size: 8}", "run.yaml",
      {"train.batch_size=16", "run.output=runs/a b", "corpus.sources=[x.txt]", "train.optimizer.name=sgd"});
  EXPECT_EQ(config.settings.train.batch_size, 16);
  EXPECT_EQ(config.settings.run.output, "runs/a b");
  EXPECT_EQ(config.settings.train.optimizer.name, OptimizerName::kSgd);
  EXPECT_EQ(config.where("train.batch_size"), "--set train.batch_size=16");
  EXPECT_THAT(problem_of("train: {}", {"train.batch_sise=16"}),
              AllOf(HasSubstr("--set train.batch_sise=16"), HasSubstr("did you mean `train.batch_size`")));
  EXPECT_THAT(problem_of("", {"trian.steps=16"}),
              AllOf(HasSubstr("--set trian.steps=16"), HasSubstr("`train`")));
  EXPECT_THAT(problem_of("train: {}", {"train.batch_size"}), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(problem_of("train: {}", {"train.steps.more=1"}), HasSubstr("--set train.steps.more=1"));
}

TEST(Config, PrintedSettingsReadBackEqual) {
  Settings settings;
  settings.corpus.sources = {"a \"quoted\" name", "tab\there", "'x'"};
  settings.sample.prefixes = {"The ", "\n", "日本 "};
  settings.train.optimizer.learning_rate = 0.1 + 0.2;  // needs all 17 digits
  settings.train.epochs = 1.0 / 3.0;
  settings.train.sequence_length = {3, 9};
  const Settings again = parse_config(to_yaml(settings), "printed").settings;
  EXPECT_EQ(flatten(again), flatten(settings));
  EXPECT_EQ(again.sample.prefixes, settings.sample.prefixes);
  EXPECT_EQ(again.train.optimizer.learning_rate, settings.train.optimizer.learning_rate);
  EXPECT_EQ(again.train.epochs, settings.train.epochs);
}

TEST(Config, HelpNamesEveryKey) {
  const std::string help = config_help();
  for (const auto& [path, value] : flatten(Settings())) EXPECT_THAT(help, HasSubstr(path + " = "));
}

TEST(Config, MissingFileIsAUsageError) {
  try {
    read_config("nowhere.yaml");
    FAIL();
  } catch (const Error& problem) {
    EXPECT_EQ(problem.kind(), ErrorKind::kInput);
    EXPECT_THAT(problem.what(), HasSubstr("nowhere.yaml"));
  }
}

TEST(Config, ShippedConfigsAreValid) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(CHARRNN_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_NO_THROW(read_config(entry.path().string())) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 2);
}

TEST(Config, PeriodsInStepsOrEpochs) {
  const auto period = [](const std::string& text) {
    return parse_config("sample: {every: " + text + "}", "run.yaml").settings.sample.every;
  };
  EXPECT_EQ(period("500"), Period(500));
  EXPECT_EQ(period("500 steps"), Period(500));
  EXPECT_EQ(period("10 epochs"), Period(10, true));
  EXPECT_EQ(period("0.5 epochs"), Period(0.5, true));
  EXPECT_EQ(period("1 epoch"), Period(1, true));
  EXPECT_FALSE(period("0").is_on());
  for (const char* wrong :
       {"ten epochs", "1.5", "1.5 steps", "10 minutes", "10epochs", "-1", "-1 epochs", "[1, 2]"}) {
    EXPECT_THAT(problem_of(concat("sample: {every: ", wrong, "}")), HasSubstr("sample.every")) << wrong;
  }
  Settings settings;
  settings.checkpoint.every = Period(2.5, true);
  EXPECT_EQ(parse_config(to_yaml(settings), "saved").settings.checkpoint.every, settings.checkpoint.every);
}

Config with(const std::string& yaml, const std::vector<std::string>& overrides) {
  return parse_config(yaml, "run.yaml", overrides);
}

TEST(Config, OverrideWinsOverWhatItContradicts) {
  const Config epochs = with("train: {epochs: 3}", {"train.steps=10"});
  EXPECT_EQ(epochs.settings.train.steps, 10);
  EXPECT_FALSE(epochs.settings.train.epochs);
  EXPECT_THAT(
      epochs.notes,
      testing::ElementsAre("--set train.steps=10 replaces train.epochs (run.yaml:1), which is now none"));
  EXPECT_FALSE(with("train: {steps: 3}", {"train.epochs=1"}).settings.train.steps);
  EXPECT_EQ(with("train: {steps: 900, schedule: {warmup_steps: 500}}", {"train.steps=10"})
                .settings.train.schedule.warmup_steps,
            10);
  EXPECT_EQ(
      with("train: {optimizer: {name: sgd, momentum: 0.9, nesterov: true}}", {"train.optimizer.name=adam"})
          .notes.size(),
      2u);
  EXPECT_EQ(with("comm: {backend: nccl}", {"run.device=cpu"}).settings.comm.backend, Backend::kAuto);
  EXPECT_EQ(with("run: {device: cpu}", {"comm.backend=nccl"}).settings.run.device, DeviceName::kAuto);
  EXPECT_FALSE(with("evaluate: {patience: 3}", {"evaluate.every=0"}).settings.evaluate.patience);
  EXPECT_EQ(with("train: {average_decay: 0.9}\nevaluate: {weights: average}", {"train.average_decay=none"})
                .settings.evaluate.weights,
            WeightsUsed::kLast);
  EXPECT_EQ(with("train: {reset_state: document}", {"train.sampling=random"}).settings.train.reset_state,
            ResetState::kShard);
  const std::string vocabulary = "corpus: {vocabulary: {min_count: 9, max_size: 50}}";
  EXPECT_EQ(with(vocabulary, {"corpus.vocabulary.from=runs/a"}).settings.corpus.vocabulary.min_count, 1);
  EXPECT_EQ(with("corpus: {vocabulary: {from: runs/a}}", {"corpus.vocabulary.max_size=50"})
                .settings.corpus.vocabulary.from,
            "");
  const std::string lists = "corpus: {split: {by: list, valid_list: [a], test_list: [b]}}";
  EXPECT_TRUE(with(lists, {"corpus.split.by=tail"}).settings.corpus.split.valid_list.empty());
  EXPECT_EQ(with("", {"corpus.split.valid_list=[a]", "corpus.split.by=list"}).notes.size(), 0u);
}

TEST(Config, TwoOverridesThatContradictEachOtherAreRefused) {
  EXPECT_THAT(problem_of("", {"train.steps=10", "train.epochs=1"}), HasSubstr("both say how long"));
  EXPECT_THAT(with("train: {steps: 3}", {"run.seed=1"}).settings.train.steps, 3);
}

TEST(Config, EachContradictionHasAnAnswerOnTheCommandLine) {
  const std::string steps = "train: {steps: 3, epochs: 1}";
  EXPECT_THAT(problem_of(steps), HasSubstr("(--set train.epochs=none or --set train.steps=none)"));
  EXPECT_NO_THROW(with(steps, {"train.epochs=none"}));
  EXPECT_THAT(problem_of("train: {optimizer: {momentum: 0.9}}"),
              HasSubstr("--set train.optimizer.momentum=0 "));
  EXPECT_NO_THROW(with("train: {optimizer: {momentum: 0.9}}", {"train.optimizer.name=sgd"}));
  EXPECT_THAT(problem_of("train: {schedule: {name: plateau}}\nevaluate: {every: 0}"),
              HasSubstr("--set evaluate.every=1000"));
  EXPECT_THAT(problem_of("evaluate: {weights: average}"), HasSubstr("--set evaluate.weights=last"));
}

TEST(Config, PathsAreExpanded) {
  setenv("HOME", "/home/me", 1);
  setenv("CHARRNN_TEST_SCRATCH", "/scratch", 1);
  unsetenv("CHARRNN_TEST_NOTHING");
  const Settings s = with("corpus: {sources: [~/a, '@$CHARRNN_TEST_SCRATCH/list', -, 'b$$c'], output: '~'}",
                          {"run.output=${CHARRNN_TEST_SCRATCH}/run"})
                         .settings;
  EXPECT_THAT(s.corpus.sources,
              testing::ElementsAre(SourceSettings("/home/me/a"), SourceSettings("@/scratch/list"),
                                   SourceSettings("-"), SourceSettings("b$c")));
  EXPECT_EQ(s.corpus.output, "/home/me");
  EXPECT_EQ(s.run.output, "/scratch/run");
  EXPECT_THAT(
      problem_of("run:\n  output: $CHARRNN_TEST_NOTHING/x"),
      AllOf(HasSubstr("run.yaml:2: run.output"), HasSubstr("CHARRNN_TEST_NOTHING, which is not set")));
  // What was saved is not expanded once more, and only what is given now is.
  Settings saved;
  saved.run.output = "a$CHARRNN_TEST_NOTHING";
  EXPECT_EQ(parse_saved(to_yaml(saved), "saved").run.output, saved.run.output);
  const Settings changed = change_settings(saved, "", "the run's config", {"corpus.output=~/c"}).settings;
  EXPECT_EQ(changed.run.output, saved.run.output);
  EXPECT_EQ(changed.corpus.output, "/home/me/c");
}

TEST(Config, OverridesAreTakenAsTheyWereTyped) {
  const auto output = [](const std::string& typed) {
    return with("", {"run.output=" + typed}).settings.run.output;
  };
  for (const char* const typed :
       {"/data/run #3", "@list", "*.txt", "a: b", "- x", "%x", "`x", "no", "1.50", "null", " x"}) {
    EXPECT_EQ(output(typed), typed);
  }
  EXPECT_EQ(output("\"a \\\"b\\\"\""), "a \"b\"");
  EXPECT_THAT(with("", {"sample.prefixes=The\n"}).settings.sample.prefixes, testing::ElementsAre("The\n"));
  EXPECT_THAT(with("", {"sample.prefixes=[a, 'b c']"}).settings.sample.prefixes,
              testing::ElementsAre("a", "b c"));
  EXPECT_EQ(with("", {"train.clip_norm=0.5"}).settings.train.clip_norm, 0.5);
  EXPECT_EQ(with("", {"train.epochs=none"}).settings.train.epochs, std::nullopt);
  EXPECT_THAT(problem_of("", {"train.steps=5 # five"}), HasSubstr("train.steps is `\"5 # five\"`"));
}

TEST(Config, ASectionInAnOverrideLeavesItsOtherSettings) {
  const Settings s = with("train: {batch_size: 7, optimizer: {name: sgd, momentum: 0.5}}",
                          {"train={steps: 2, optimizer: {momentum: 0.75}}"})
                         .settings;
  EXPECT_EQ(s.train.steps, 2);
  EXPECT_EQ(s.train.batch_size, 7);
  EXPECT_EQ(s.train.optimizer.name, OptimizerName::kSgd);
  EXPECT_EQ(s.train.optimizer.momentum, 0.75);
}

TEST(Config, ASecondDocumentIsRefused) {
  EXPECT_THAT(problem_of("train: {steps: 3}\n---\nmodel: {layers: 2}\n"),
              AllOf(HasSubstr("run.yaml:3"), HasSubstr("a second YAML document")));
  EXPECT_EQ(with("---\ntrain: {steps: 3}\n", {}).settings.train.steps, 3);
  EXPECT_NO_THROW(with("", {}));
}

TEST(Config, SettingsWithoutEffectAreNoted) {
  EXPECT_THAT(
      with("train: {optimizer: {name: sgd, beta1: 0.8}}", {}).notes,
      testing::ElementsAre(
          "run.yaml:1: train.optimizer.beta1 has no effect without train.optimizer.name: adam or adamw"));
  EXPECT_THAT(with("model: {cell: gru}", {"model.forget_bias=2"}).notes,
              testing::ElementsAre(
                  "--set model.forget_bias=2: model.forget_bias has no effect without model.cell: lstm"));
  EXPECT_TRUE(
      with("train: {optimizer: {name: adam, beta1: 0.8}}\nmodel: {forget_bias: 2}", {}).notes.empty());
  EXPECT_TRUE(with("", {}).notes.empty()) << "defaults";
}

TEST(Config, RunAndCorpusHaveTwoFolders) {
  EXPECT_THAT(problem_of("run: {output: a/b/}\ncorpus: {output: ./a/b}"), HasSubstr("expected two folders"));
}

}  // namespace
}  // namespace charrnn
