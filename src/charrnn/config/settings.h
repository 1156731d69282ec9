// Every setting of a run: a struct field with its default, listed once in a `visit` below with unit, range
// and help. Reading, checking, printing, --help-config and checkpoints all walk that list (config_file.h).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace charrnn {

// How a setting is explained and checked. `word` is how an optional without a value is written.
struct SettingInfo {
  std::string_view help;
  std::string_view unit = "";
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string_view word = "auto";
};

// The names of an enumeration in config files, in the order of its values.
template <class Enum>
struct EnumNames;

enum class Unit { kCodePoint, kByte };
template <>
struct EnumNames<Unit> {
  static constexpr std::array<std::string_view, 2> names{"code_point", "byte"};
};

enum class SplitBy { kAuto, kDocument, kTail, kList };
template <>
struct EnumNames<SplitBy> {
  static constexpr std::array<std::string_view, 4> names{"auto", "document", "tail", "list"};
};

enum class OnError { kStop, kSkip };
template <>
struct EnumNames<OnError> {
  static constexpr std::array<std::string_view, 2> names{"stop", "skip"};
};

enum class InvalidBytes { kError, kReplace, kSkip };
template <>
struct EnumNames<InvalidBytes> {
  static constexpr std::array<std::string_view, 3> names{"error", "replace", "skip"};
};

enum class LineEnds { kUnify, kKeep };
template <>
struct EnumNames<LineEnds> {
  static constexpr std::array<std::string_view, 2> names{"unify", "keep"};
};

enum class InvisibleCharacters { kKeep, kDrop };
template <>
struct EnumNames<InvisibleCharacters> {
  static constexpr std::array<std::string_view, 2> names{"keep", "drop"};
};

// What to do with equal and nearly equal documents of which some are held out and some are not.
enum class Copies { kReport, kTogether, kIgnore };
template <>
struct EnumNames<Copies> {
  static constexpr std::array<std::string_view, 3> names{"report", "together", "ignore"};
};

enum class Gutenberg { kStrip, kKeep };
template <>
struct EnumNames<Gutenberg> {
  static constexpr std::array<std::string_view, 2> names{"strip", "keep"};
};

enum class Normalization { kNfc, kNfkc, kNone };
template <>
struct EnumNames<Normalization> {
  static constexpr std::array<std::string_view, 3> names{"nfc", "nfkc", "none"};
};

enum class JoinLines { kNewline, kSpace, kNothing };
template <>
struct EnumNames<JoinLines> {
  static constexpr std::array<std::string_view, 3> names{"newline", "space", "nothing"};
};

enum class Cell { kLstm, kGru, kRnnTanh, kRnnRelu };
template <>
struct EnumNames<Cell> {
  static constexpr std::array<std::string_view, 4> names{"lstm", "gru", "rnn_tanh", "rnn_relu"};
};

enum class Head { kLinear, kNone };
template <>
struct EnumNames<Head> {
  static constexpr std::array<std::string_view, 2> names{"linear", "none"};
};

// How the CPU computes recurrent layers: in charrnn's own way, or by LibTorch's layers.
enum class Kernel { kFast, kReference };
template <>
struct EnumNames<Kernel> {
  static constexpr std::array<std::string_view, 2> names{"fast", "reference"};
};

enum class InitialWeights { kPytorch, kNormal };
template <>
struct EnumNames<InitialWeights> {
  static constexpr std::array<std::string_view, 2> names{"pytorch", "normal"};
};

enum class InputLayer { kEmbedding, kOneHot };
template <>
struct EnumNames<InputLayer> {
  static constexpr std::array<std::string_view, 2> names{"embedding", "one_hot"};
};

enum class Sampling { kSequential, kRandom };
template <>
struct EnumNames<Sampling> {
  static constexpr std::array<std::string_view, 2> names{"sequential", "random"};
};

// Which characters of a step's lanes have a part in the loss.
enum class LossOver { kAll, kLast };
template <>
struct EnumNames<LossOver> {
  static constexpr std::array<std::string_view, 2> names{"all", "last"};
};

enum class ResetState { kShard, kDocument };
template <>
struct EnumNames<ResetState> {
  static constexpr std::array<std::string_view, 2> names{"shard", "document"};
};

enum class RateScale { kNone, kLinear, kSqrt };
template <>
struct EnumNames<RateScale> {
  static constexpr std::array<std::string_view, 3> names{"none", "linear", "sqrt"};
};

// What the model computes in. Weights, moments and the loss are fp32 in each.
enum class Precision { kAuto, kFp32, kTf32, kBf16, kFp16 };
template <>
struct EnumNames<Precision> {
  static constexpr std::array<std::string_view, 5> names{"auto", "fp32", "tf32", "bf16", "fp16"};
};

enum class OnDivergence { kStop, kRollback };
template <>
struct EnumNames<OnDivergence> {
  static constexpr std::array<std::string_view, 2> names{"stop", "rollback"};
};

// Of the last step, or their running average (train.average_decay).
enum class WeightsUsed { kLast, kAverage };
template <>
struct EnumNames<WeightsUsed> {
  static constexpr std::array<std::string_view, 2> names{"last", "average"};
};

enum class OptimizerName { kSgd, kRmsprop, kAdam, kAdamW };
template <>
struct EnumNames<OptimizerName> {
  static constexpr std::array<std::string_view, 4> names{"sgd", "rmsprop", "adam", "adamw"};
};

enum class ScheduleName { kConstant, kStep, kLinear, kCosine, kInverseSqrt, kPlateau };
template <>
struct EnumNames<ScheduleName> {
  static constexpr std::array<std::string_view, 6> names{"constant", "step",         "linear",
                                                         "cosine",   "inverse_sqrt", "plateau"};
};

// What becomes of a prefix's characters that the vocabulary lacks.
enum class UnknownCharacters { kError, kUnk, kSkip };
template <>
struct EnumNames<UnknownCharacters> {
  static constexpr std::array<std::string_view, 3> names{"error", "unk", "skip"};
};

enum class DeviceName { kAuto, kCpu, kCuda };
template <>
struct EnumNames<DeviceName> {
  static constexpr std::array<std::string_view, 3> names{"auto", "cpu", "cuda"};
};

enum class ProgressDisplay { kAuto, kLive, kPlain };
template <>
struct EnumNames<ProgressDisplay> {
  static constexpr std::array<std::string_view, 3> names{"auto", "live", "plain"};
};

enum class Backend { kAuto, kSolo, kMpi, kNccl };
template <>
struct EnumNames<Backend> {
  static constexpr std::array<std::string_view, 4> names{"auto", "solo", "mpi", "nccl"};
};

// How a gradient travels between ranks; what is summed into the weights is fp32 always.
enum class GradientType { kFp32, kBf16, kFp16 };
template <>
struct EnumNames<GradientType> {
  static constexpr std::array<std::string_view, 3> names{"fp32", "bf16", "fp16"};
};

enum class GradientBuckets { kOne, kLayer };
template <>
struct EnumNames<GradientBuckets> {
  static constexpr std::array<std::string_view, 2> names{"one", "layer"};
};

template <class Enum>
std::string_view enum_name(Enum value) {
  return EnumNames<Enum>::names[static_cast<size_t>(value)];
}

// How often something is done: after every so many steps, or epochs (1.5 epochs too). 0: never.
struct Period {
  Period() = default;
  Period(double given_steps) : count(given_steps) {}
  Period(double given_count, bool given_epochs) : count(given_count), in_epochs(given_epochs) {}
  bool operator==(const Period&) const = default;

  bool is_on() const { return count > 0; }
  // In steps, where an epoch has so many.
  double steps(double steps_per_epoch) const { return in_epochs ? count * steps_per_epoch : count; }

  double count = 0;
  bool in_epochs = false;
};

// A number of characters, or the smallest and largest between which each step draws its own.
struct LengthRange {
  LengthRange(int64_t length) : min(length), max(length) {}
  LengthRange(int64_t smallest, int64_t largest) : min(smallest), max(largest) {}
  bool operator==(const LengthRange&) const = default;

  bool is_range() const { return min != max; }
  double mean() const { return 0.5 * static_cast<double>(min + max); }
  std::string text() const {
    return is_range() ? std::to_string(min) + " to " + std::to_string(max) : std::to_string(min);
  }

  int64_t min;
  int64_t max;
};

// What logits are divided by before a character is drawn; 0, or greedy, is always the likeliest one.
struct Temperature {
  Temperature(double given) : value(given) {}
  Temperature() = default;
  bool operator==(const Temperature&) const = default;

  double value = 1;
};

// An entry of corpus.sources: a path alone, or {path, encoding, json_field}.
struct SourceSettings {
  SourceSettings() = default;
  SourceSettings(std::string given_path) : path(std::move(given_path)) {}
  SourceSettings(const char* given_path) : path(given_path) {}
  bool operator==(const SourceSettings&) const = default;

  std::string path;
  std::optional<std::string> encoding;    // in place of corpus.encoding
  std::optional<std::string> json_field;  // in place of corpus.json_field
};

struct VocabularySettings {
  int64_t min_count = 1;
  std::optional<int64_t> max_size;
  bool unknown = false;
  std::string from = {};
};

template <class Self, class Visitor>
void visit_vocabulary(Self& s, Visitor& v) {
  v.field("min_count", s.min_count, {.help = "rarer characters become <unk>", .unit = "times", .min = 1});
  v.field("max_size", s.max_size,
          {.help = "keep the most frequent ones, <unk> included",
           .unit = "characters",
           .min = 2,
           .word = "none"});
  v.field("unknown", s.unknown, {.help = "have <unk> even when nothing fell out of the vocabulary"});
  v.field("from", s.from,
          {.help = "take the characters and ids of this vocabulary.json, corpus or run, to fine-tune with"});
}

struct SplitSettings {
  SplitBy by = SplitBy::kAuto;
  double valid = 0.05;
  double test = 0.05;
  std::vector<std::string> valid_list = {};
  std::vector<std::string> test_list = {};
  Copies copies = Copies::kReport;
};

template <class Self, class Visitor>
void visit_split(Self& s, Visitor& v) {
  v.field(
      "by", s.by,
      {.help = "document: whole files, by the hash of their name; tail: the end of the text; list: those of "
               "valid_list and test_list; auto: document from ten files on, else tail"});
  v.field("valid", s.valid, {.help = "share held out to watch training", .min = 0, .max = 0.9});
  v.field("test", s.test, {.help = "share held out for the final figure", .min = 0, .max = 0.9});
  v.field("valid_list", s.valid_list,
          {.help = "with by: list, documents by name or glob, or @FILE with one a line"});
  v.field("test_list", s.test_list, {.help = "the same for test; the others are train"});
  v.field("copies", s.copies,
          {.help = "equal and nearly equal documents in train and held-out splits: report them; together: "
                   "keep them in one split, with by: document; ignore: do not look for them"});
}

struct CorpusSettings {
  std::vector<SourceSettings> sources;
  std::string output;
  std::optional<std::string> encoding;
  InvalidBytes invalid_bytes = InvalidBytes::kError;
  std::string json_field = "text";
  OnError on_error = OnError::kStop;
  LineEnds line_ends = LineEnds::kUnify;
  InvisibleCharacters invisible_characters = InvisibleCharacters::kKeep;
  Gutenberg gutenberg = Gutenberg::kStrip;
  double minimum_kept = 0.1;
  Normalization normalization = Normalization::kNfc;
  bool transliterate = false;
  bool lower_case = false;
  bool letters_only = false;
  JoinLines join_lines = JoinLines::kNewline;
  bool collapse_blanks = false;
  std::string document_end;
  std::optional<int64_t> max_characters;
  std::string targets;
  Unit unit = Unit::kCodePoint;
  VocabularySettings vocabulary;
  SplitSettings split;
  int64_t shard_size = 67108864;
};

template <class Self, class Visitor>
void visit_corpus(Self& s, Visitor& v) {
  v.field(
      "sources", s.sources,
      {.help = "text, JSON lines (.jsonl), .gz, .zst: files, folders, globs, @LIST, - for standard input"});
  v.field("output", s.output,
          {.help = "folder of the shards that charrnn_preprocess writes and the others read"});
  v.field("encoding", s.encoding, {.help = "charset of the sources; auto: found out for each"});
  v.field("invalid_bytes", s.invalid_bytes,
          {.help = "what becomes of bytes that are no character: replace gives U+FFFD"});
  v.field("json_field", s.json_field, {.help = "where a line of JSON has its text"});
  v.field("on_error", s.on_error, {.help = "what a file that is not text, not readable or empty does"});
  v.field("line_ends", s.line_ends, {.help = "unify: CR LF, CR CR LF and CR become LF"});
  v.field("invisible_characters", s.invisible_characters,
          {.help = "drop: control and zero-width characters, soft hyphens, direction marks, byte order marks "
                   "inside the text and U+FFFD"});
  v.field("gutenberg", s.gutenberg, {.help = "strip: leave out Project Gutenberg's header, footer, licence"});
  v.field("minimum_kept", s.minimum_kept,
          {.help = "strip nothing where less than this share of a text would remain", .min = 0, .max = 1});
  v.field("normalization", s.normalization, {.help = "Unicode normalisation form"});
  v.field("transliterate", s.transliterate, {.help = "to ASCII, by ICU's Any-Latin; Latin-ASCII"});
  v.field("lower_case", s.lower_case, {.help = "lower-case all letters"});
  v.field("letters_only", s.letters_only,
          {.help = "in each line, runs of all but a to z become one space, ends are trimmed; lower case"});
  v.field("join_lines", s.join_lines, {.help = "what a line end becomes"});
  v.field("collapse_blanks", s.collapse_blanks,
          {.help = "runs of blanks become one space, runs of empty lines one, blanks before line ends go"});
  v.field("document_end", s.document_end, {.help = "character that ends each document; empty: none"});
  v.field("max_characters", s.max_characters,
          {.help = "keep so much of the cleaned text, from its start",
           .unit = "characters",
           .min = 2,
           .word = "all"});
  v.field("targets", s.targets,
          {.help = "a text as long as the corpus: what each character's target is; empty: its successor"});
  v.field("unit", s.unit, {.help = "what one element of the vocabulary is"});
  v.section("vocabulary", [&](auto& inner) { visit_vocabulary(s.vocabulary, inner); });
  v.section("split", [&](auto& inner) { visit_split(s.split, inner); });
  v.field("shard_size", s.shard_size,
          {.help = "longest shard", .unit = "characters", .min = 2, .max = 4294967295.0});
}

struct ModelSettings {
  Cell cell = Cell::kLstm;
  InputLayer input = InputLayer::kEmbedding;
  int64_t embedding_size = 128;
  int64_t hidden_size = 512;
  int64_t layers = 1;
  double dropout = 0.0;
  std::optional<double> output_dropout;
  Head head = Head::kLinear;
  bool tied_weights = false;
  InitialWeights initial_weights = InitialWeights::kPytorch;
  double initial_scale = 0.01;
  double forget_bias = 1.0;
  Kernel kernel = Kernel::kFast;
};

template <class Self, class Visitor>
void visit_model(Self& s, Visitor& v) {
  v.field("cell", s.cell, {.help = "recurrent cell"});
  v.field("input", s.input, {.help = "how a character enters the first layer"});
  v.field("embedding_size", s.embedding_size,
          {.help = "width of the embedding (unused with one_hot)", .unit = "units", .min = 1, .max = 65536});
  v.field("hidden_size", s.hidden_size,
          {.help = "width of each layer", .unit = "units", .min = 1, .max = 65536});
  v.field("layers", s.layers, {.help = "recurrent layers", .min = 1, .max = 64});
  v.field("dropout", s.dropout, {.help = "share of units zeroed after each layer", .min = 0, .max = 0.95});
  v.field("output_dropout", s.output_dropout,
          {.help = "the same after the last layer; auto: as dropout", .min = 0, .max = 0.95});
  v.field(
      "head", s.head,
      {.help = "linear: from the last layer to the vocabulary; none: the last layer's output is the logits"});
  v.field("tied_weights", s.tied_weights, {.help = "the head's weights are the embedding's"});
  v.field("initial_weights", s.initial_weights,
          {.help = "pytorch: as its layers draw them; normal: normal(0, initial_scale), biases 0"});
  v.field("initial_scale", s.initial_scale,
          {.help = "standard deviation, with initial_weights: normal", .min = 0, .max = 10});
  v.field("forget_bias", s.forget_bias,
          {.help = "initial bias of the forget gate of lstm", .min = -10, .max = 10});
  v.field("kernel", s.kernel,
          {.help = "recurrent layers: charrnn's own on the CPU and cuDNN's on a GPU, or LibTorch's; the same "
                   "numbers"});
}

struct OptimizerSettings {
  OptimizerName name = OptimizerName::kAdam;
  double learning_rate = 0.002;
  double momentum = 0.0;
  bool nesterov = false;
  double alpha = 0.99;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
  double weight_decay = 0.0;
};

template <class Self, class Visitor>
void visit_optimizer(Self& s, Visitor& v) {
  v.field("name", s.name, {.help = "adamw decays weights apart from the gradient"});
  v.field("learning_rate", s.learning_rate, {.help = "at the top of the schedule", .min = 0, .max = 1000});
  v.field("momentum", s.momentum, {.help = "of sgd and rmsprop", .min = 0, .max = 0.9999});
  v.field("nesterov", s.nesterov, {.help = "of sgd: momentum that looks one step ahead"});
  v.field("alpha", s.alpha, {.help = "of rmsprop: share of the old mean square", .min = 0, .max = 0.999999});
  v.field("beta1", s.beta1, {.help = "of adam and adamw", .min = 0, .max = 0.999999});
  v.field("beta2", s.beta2, {.help = "of adam and adamw", .min = 0, .max = 0.999999});
  v.field("epsilon", s.epsilon, {.help = "of rmsprop, adam and adamw", .min = 0, .max = 1});
  v.field("amsgrad", s.amsgrad, {.help = "of adam and adamw: divide by the largest mean square so far"});
  v.field("weight_decay", s.weight_decay, {.help = "L2, or decoupled with adamw", .min = 0, .max = 10});
}

struct ScheduleSettings {
  ScheduleName name = ScheduleName::kConstant;
  int64_t warmup_steps = 0;
  double final_fraction = 0.0;
  int64_t step_size = 1000;
  double factor = 0.1;
  int64_t patience = 10;
  double threshold = 1e-4;
  int64_t cooldown = 0;
};

template <class Self, class Visitor>
void visit_schedule(Self& s, Visitor& v) {
  v.field("name", s.name, {.help = "how the learning rate goes on after the warm-up"});
  v.field("warmup_steps", s.warmup_steps,
          {.help = "linear rise to the full rate", .unit = "steps", .min = 0});
  v.field("final_fraction", s.final_fraction,
          {.help = "where cosine and linear end and plateau stays, as a part of the full rate",
           .min = 0,
           .max = 1});
  v.field("step_size", s.step_size,
          {.help = "with step: steps between two cuts of the rate", .unit = "steps", .min = 1});
  v.field("factor", s.factor,
          {.help = "with step and plateau: what each cut multiplies the rate by", .min = 0, .max = 1});
  v.field("patience", s.patience,
          {.help = "with plateau: cut the rate after more validation values in a row without a better one",
           .unit = "values",
           .min = 0});
  v.field("threshold", s.threshold,
          {.help = "with plateau: better is lower by this part of the best", .min = 0, .max = 0.9});
  v.field("cooldown", s.cooldown,
          {.help = "with plateau: values after a cut that do not count", .unit = "values", .min = 0});
}

struct TrainSettings {
  std::string start_from;
  int64_t batch_size = 32;
  std::optional<int64_t> lanes_per_rank;
  LengthRange sequence_length = 64;
  LossOver loss = LossOver::kAll;
  int64_t accumulate = 1;
  Sampling sampling = Sampling::kSequential;
  bool random_offset = true;
  ResetState reset_state = ResetState::kShard;
  std::optional<int64_t> steps;
  std::optional<double> epochs;
  OptimizerSettings optimizer;
  ScheduleSettings schedule;
  RateScale scale_learning_rate = RateScale::kNone;
  std::optional<int64_t> reference_batch_size;
  double clip_norm = 1.0;
  Precision precision = Precision::kAuto;
  std::optional<int64_t> read_every;
  bool profile = false;
  std::optional<double> average_decay;
  std::optional<double> skip_spikes_above;
  int64_t max_skipped_steps = 10;
  OnDivergence on_divergence = OnDivergence::kStop;
  double rollback_rate_factor = 0.5;
  int64_t max_rollbacks = 3;
  Period log_every = 50;
};

template <class Self, class Visitor>
void visit_train(Self& s, Visitor& v) {
  v.field("start_from", s.start_from,
          {.help = "a run (or checkpoint) whose weights a new run begins with; empty: drawn weights"});
  v.field("batch_size", s.batch_size,
          {.help = "lanes read side by side, over all ranks", .unit = "lanes", .min = 1, .max = 16777216});
  v.field("lanes_per_rank", s.lanes_per_rank,
          {.help = "in place of batch_size, which becomes so many times the ranks that start the run",
           .unit = "lanes",
           .min = 1,
           .max = 16777216,
           .word = "none"});
  v.field("sequence_length", s.sequence_length,
          {.help = "characters of a lane in one step (T); [10, 40]: each step draws its own",
           .unit = "characters",
           .min = 1,
           .max = 1048576});
  v.field("loss", s.loss, {.help = "over all characters of a step, or the last of each lane alone"});
  v.field("accumulate", s.accumulate,
          {.help = "run a rank's lanes in so many groups one after another: less memory, the same curve",
           .unit = "groups",
           .min = 1,
           .max = 65536});
  v.field("sampling", s.sampling,
          {.help = "sequential: lanes with carried state; random: shuffled windows from zero state"});
  v.field("random_offset", s.random_offset, {.help = "start each shard of each epoch at a drawn character"});
  v.field(
      "reset_state", s.reset_state,
      {.help = "where a lane starts from zero state: at a shard's start, or also after a document began"});
  v.field("steps", s.steps, {.help = "length of the run", .unit = "steps", .min = 1, .word = "none"});
  v.field("epochs", s.epochs,
          {.help = "length of the run, in place of steps",
           .unit = "epochs",
           .min = 1e-6,
           .max = 1e6,
           .word = "none"});
  v.section("optimizer", [&](auto& inner) { visit_optimizer(s.optimizer, inner); });
  v.section("schedule", [&](auto& inner) { visit_schedule(s.schedule, inner); });
  v.field("scale_learning_rate", s.scale_learning_rate,
          {.help = "multiply the rate by batch_size / reference_batch_size, or by its square root"});
  v.field("reference_batch_size", s.reference_batch_size,
          {.help = "the batch that optimizer.learning_rate was found for",
           .unit = "lanes",
           .min = 1,
           .max = 16777216,
           .word = "none"});
  v.field("clip_norm", s.clip_norm, {.help = "longest gradient, by its L2 norm; 0: never clip", .min = 0});
  v.field("precision", s.precision,
          {.help = "number type of the model's matrix products; auto: tf32 on GPUs that have it, else fp32; "
                   "weights are kept in fp32"});
  v.field(
      "read_every", s.read_every,
      {.help = "losses stay on the device for so many steps, which need not wait for them; auto: 1 on the "
               "CPU, 10 on GPUs",
       .unit = "steps",
       .min = 1,
       .max = 1000});
  v.field("profile", s.profile,
          {.help = "print where a step's time goes, and write trace-rank-R.json of the first steps"});
  v.field("average_decay", s.average_decay,
          {.help = "keep a running average of the weights: this share of the old one at each step",
           .min = 0,
           .max = 0.999999,
           .word = "none"});
  v.field("skip_spikes_above", s.skip_spikes_above,
          {.help = "skip a step whose gradient norm lies so many standard deviations above its running mean",
           .min = 1,
           .max = 1000,
           .word = "none"});
  v.field("max_skipped_steps", s.max_skipped_steps,
          {.help = "so many skipped steps in a row are a divergence", .unit = "steps", .min = 1});
  v.field("on_divergence", s.on_divergence,
          {.help = "stop: exit code 3; rollback: back to the last good checkpoint with a lower rate"});
  v.field("rollback_rate_factor", s.rollback_rate_factor,
          {.help = "what each rollback multiplies the learning rate by", .min = 0.001, .max = 1});
  v.field("max_rollbacks", s.max_rollbacks, {.help = "one more divergence ends the run", .min = 1});
  v.field("log_every", s.log_every, {.help = "between lines of metrics.jsonl; 0: only the last", .min = 0});
}

struct EvaluateSettings {
  Period every = 1000;
  int64_t lanes = 32;
  WeightsUsed weights = WeightsUsed::kLast;
  std::optional<int64_t> patience;
};

template <class Self, class Visitor>
void visit_evaluate(Self& s, Visitor& v) {
  v.field("every", s.every, {.help = "between values on the validation split; 0: never", .min = 0});
  v.field("lanes", s.lanes,
          {.help = "parts of the split that are read side by side", .unit = "lanes", .min = 1, .max = 65536});
  v.field("weights", s.weights, {.help = "average: those of train.average_decay"});
  v.field("patience", s.patience,
          {.help = "end the run after so many values in a row that are not the best",
           .unit = "values",
           .min = 1,
           .word = "none"});
}

struct SampleSettings {
  Period every = 1000;
  std::vector<std::string> prefixes;
  int64_t length = 200;
  std::vector<Temperature> temperatures{0.5, 1.0};
  UnknownCharacters unknown_characters = UnknownCharacters::kError;
  WeightsUsed weights = WeightsUsed::kLast;
};

template <class Self, class Visitor>
void visit_sample(Self& s, Visitor& v) {
  v.field("every", s.every, {.help = "between samples; 0: never", .min = 0});
  v.field("prefixes", s.prefixes, {.help = "texts that the model goes on with"});
  v.field("length", s.length, {.help = "of each sample", .unit = "characters", .min = 1, .max = 1000000});
  v.field("temperatures", s.temperatures,
          {.help = "one sample each; greedy (or 0): always the likeliest", .min = 0, .max = 100});
  v.field("unknown_characters", s.unknown_characters,
          {.help = "what becomes of a prefix's characters that the vocabulary lacks: unk makes them <unk>"});
  v.field("weights", s.weights, {.help = "average: those of train.average_decay"});
}

struct CheckpointSettings {
  Period every = 500;
  int64_t keep = 3;
};

template <class Self, class Visitor>
void visit_checkpoint(Self& s, Visitor& v) {
  v.field("every", s.every, {.help = "between checkpoints; 0: only the last and the best", .min = 0});
  v.field("keep", s.keep, {.help = "how many to keep, beside the best", .min = 1, .max = 1000000});
}

struct RunSettings {
  std::string output;
  int64_t seed = 1;
  DeviceName device = DeviceName::kAuto;
  std::optional<int64_t> threads;
  ProgressDisplay progress = ProgressDisplay::kAuto;
  std::optional<double> stop_before_limit;
};

template <class Self, class Visitor>
void visit_run(Self& s, Visitor& v) {
  v.field("output", s.output, {.help = "folder of the run"});
  v.field("seed", s.seed, {.help = "of every random draw", .min = 0});
  v.field("device", s.device, {.help = "auto: a GPU where there is one"});
  v.field("threads", s.threads,
          {.help = "of each rank; auto: OMP_NUM_THREADS, or its share of the cores", .min = 1, .max = 4096});
  v.field("progress", s.progress, {.help = "auto: live on a terminal, else plain lines"});
  v.field("stop_before_limit", s.stop_before_limit,
          {.help = "save and leave with code 75 so long before Slurm's time limit",
           .unit = "s",
           .min = 1,
           .max = 1e6,
           .word = "none"});
}

struct CommSettings {
  Backend backend = Backend::kAuto;
  double timeout_seconds = 600;
  double start_timeout_seconds = 600;
  GradientType gradient_type = GradientType::kFp32;
  GradientBuckets gradient_buckets = GradientBuckets::kOne;
  int64_t check_replicas_every = 1000;
  double straggler_factor = 1.5;
};

template <class Self, class Visitor>
void visit_comm(Self& s, Visitor& v) {
  v.field("backend", s.backend, {.help = "auto: nccl on GPUs, mpi under mpirun or srun, else solo"});
  v.field("timeout_seconds", s.timeout_seconds,
          {.help = "longest wait for the other ranks", .unit = "s", .min = 0.1, .max = 1e6});
  v.field("start_timeout_seconds", s.start_timeout_seconds,
          {.help = "longest start of MPI and NCCL, ranks that start late included; large jobs need minutes",
           .unit = "s",
           .min = 0.1,
           .max = 1e6});
  v.field("gradient_type", s.gradient_type,
          {.help = "how gradients travel; bf16 and fp16 halve the bytes and round"});
  v.field("gradient_buckets", s.gradient_buckets,
          {.help = "layer: upper layers are summed over the ranks while lower ones still run backward"});
  v.field("check_replicas_every", s.check_replicas_every,
          {.help = "compare the weights of all ranks; 0: never", .unit = "steps", .min = 0});
  v.field("straggler_factor", s.straggler_factor,
          {.help = "name a rank that takes so many times as long as the median rank; 0: never",
           .min = 0,
           .max = 1000});
}

struct Settings {
  CorpusSettings corpus;
  ModelSettings model;
  TrainSettings train;
  EvaluateSettings evaluate;
  SampleSettings sample;
  CheckpointSettings checkpoint;
  RunSettings run;
  CommSettings comm;
};

template <class Self, class Visitor>
void visit(Self& s, Visitor& v) {
  v.section("corpus", [&](auto& inner) { visit_corpus(s.corpus, inner); });
  v.section("model", [&](auto& inner) { visit_model(s.model, inner); });
  v.section("train", [&](auto& inner) { visit_train(s.train, inner); });
  v.section("evaluate", [&](auto& inner) { visit_evaluate(s.evaluate, inner); });
  v.section("sample", [&](auto& inner) { visit_sample(s.sample, inner); });
  v.section("checkpoint", [&](auto& inner) { visit_checkpoint(s.checkpoint, inner); });
  v.section("run", [&](auto& inner) { visit_run(s.run, inner); });
  v.section("comm", [&](auto& inner) { visit_comm(s.comm, inner); });
}

}  // namespace charrnn
