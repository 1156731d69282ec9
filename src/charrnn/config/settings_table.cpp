#include "charrnn/config/settings_table.h"

#include "charrnn/config/setting_value.h"

namespace charrnn {
namespace {

template <class T>
void add(SettingsVisitor& visitor, std::string_view name, T& value, const SettingInfo& info) {
  SettingOf<T> setting(name, value, info);
  visitor.setting(setting);
}

void visit(VocabularySettings& s, SettingsVisitor& v) {
  add(v, "min_count", s.min_count, {.help = "rarer characters become <unk>", .unit = "times", .min = 1});
  add(v, "max_size", s.max_size,
      {.help = "keep the most frequent ones, <unk> included",
       .unit = "characters",
       .min = 2,
       .word = "none"});
  add(v, "unknown", s.unknown, {.help = "have <unk> even when nothing fell out of the vocabulary"});
  add(v, "from", s.from,
      {.help = "take the characters and ids of this vocabulary.json, corpus or run, to fine-tune with"});
}

void visit(SplitSettings& s, SettingsVisitor& v) {
  add(v, "by", s.by,
      {.help = "document: whole files, by the hash of their name; tail: the end of the text; list: those of "
               "valid_list and test_list; auto: document from ten files on, else tail"});
  add(v, "valid", s.valid, {.help = "share held out to watch training", .min = 0, .max = 0.9});
  add(v, "test", s.test, {.help = "share held out for the final figure", .min = 0, .max = 0.9});
  add(v, "valid_list", s.valid_list,
      {.help = "with by: list, documents by name or glob, or @FILE with one a line"});
  add(v, "test_list", s.test_list, {.help = "the same for test; the others are train"});
  add(v, "copies", s.copies,
      {.help = "equal and nearly equal documents in train and held-out splits: report them; together: "
               "keep them in one split, with by: document; ignore: do not look for them"});
}

void visit(ModelSettings& s, SettingsVisitor& v) {
  add(v, "cell", s.cell, {.help = "recurrent cell"});
  add(v, "input", s.input, {.help = "how a character enters the first layer"});
  add(v, "embedding_size", s.embedding_size,
      {.help = "width of the embedding (unused with one_hot)", .unit = "units", .min = 1, .max = 65536});
  add(v, "hidden_size", s.hidden_size,
      {.help = "width of each layer", .unit = "units", .min = 1, .max = 65536});
  add(v, "layers", s.layers, {.help = "recurrent layers", .min = 1, .max = 64});
  add(v, "dropout", s.dropout, {.help = "share of units zeroed after each layer", .min = 0, .max = 0.95});
  add(v, "output_dropout", s.output_dropout,
      {.help = "the same after the last layer; auto: as dropout", .min = 0, .max = 0.95});
  add(v, "head", s.head,
      {.help = "linear: from the last layer to the vocabulary; none: the last layer's output is the logits"});
  add(v, "tied_weights", s.tied_weights, {.help = "the head's weights are the embedding's"});
  add(v, "initial_weights", s.initial_weights,
      {.help = "pytorch: as its layers draw them; normal: normal(0, initial_scale), biases 0"});
  add(v, "initial_scale", s.initial_scale,
      {.help = "standard deviation, with initial_weights: normal", .min = 0, .max = 10});
  add(v, "forget_bias", s.forget_bias,
      {.help = "initial bias of the forget gate of lstm", .min = -10, .max = 10});
  add(v, "kernel", s.kernel,
      {.help = "recurrent layers: charrnn's own on the CPU and cuDNN's on a GPU, or LibTorch's; the same "
               "numbers"});
}

void visit(OptimizerSettings& s, SettingsVisitor& v) {
  add(v, "name", s.name, {.help = "adamw decays weights apart from the gradient"});
  add(v, "learning_rate", s.learning_rate, {.help = "at the top of the schedule", .min = 0, .max = 1000});
  add(v, "momentum", s.momentum, {.help = "of sgd and rmsprop", .min = 0, .max = 0.9999});
  add(v, "nesterov", s.nesterov, {.help = "of sgd: momentum that looks one step ahead"});
  add(v, "alpha", s.alpha, {.help = "of rmsprop: share of the old mean square", .min = 0, .max = 0.999999});
  add(v, "beta1", s.beta1, {.help = "of adam and adamw", .min = 0, .max = 0.999999});
  add(v, "beta2", s.beta2, {.help = "of adam and adamw", .min = 0, .max = 0.999999});
  add(v, "epsilon", s.epsilon, {.help = "of rmsprop, adam and adamw", .min = 0, .max = 1});
  add(v, "amsgrad", s.amsgrad, {.help = "of adam and adamw: divide by the largest mean square so far"});
  add(v, "weight_decay", s.weight_decay, {.help = "L2, or decoupled with adamw", .min = 0, .max = 10});
}

void visit(ScheduleSettings& s, SettingsVisitor& v) {
  add(v, "name", s.name, {.help = "the course of the learning rate after the warm-up"});
  add(v, "warmup_steps", s.warmup_steps, {.help = "linear rise to the full rate", .unit = "steps", .min = 0});
  add(v, "final_fraction", s.final_fraction,
      {.help = "where cosine and linear end and plateau stays, as a part of the full rate",
       .min = 0,
       .max = 1});
  add(v, "step_size", s.step_size,
      {.help = "with step: steps between two cuts of the rate", .unit = "steps", .min = 1});
  add(v, "factor", s.factor,
      {.help = "with step and plateau: what each cut multiplies the rate by", .min = 0, .max = 1});
  add(v, "patience", s.patience,
      {.help = "with plateau: cut the rate after more validation values in a row without a better one",
       .unit = "values",
       .min = 0});
  add(v, "threshold", s.threshold,
      {.help = "with plateau: better is lower by this part of the best", .min = 0, .max = 0.9});
  add(v, "cooldown", s.cooldown,
      {.help = "with plateau: values after a cut that do not count", .unit = "values", .min = 0});
}

void add_reading_and_length(TrainSettings& s, SettingsVisitor& v) {
  add(v, "start_from", s.start_from,
      {.help = "a run (or checkpoint) whose weights a new run begins with; empty: drawn weights"});
  add(v, "batch_size", s.batch_size,
      {.help = "lanes read side by side, over all ranks", .unit = "lanes", .min = 1, .max = 16777216});
  add(v, "lanes_per_rank", s.lanes_per_rank,
      {.help = "in place of batch_size, which becomes N times the number of ranks that start the run",
       .unit = "lanes",
       .min = 1,
       .max = 16777216,
       .word = "none"});
  add(v, "sequence_length", s.sequence_length,
      {.help = "characters of a lane in one step (T); [10, 40]: each step draws its own",
       .unit = "characters",
       .min = 1,
       .max = 1048576});
  add(v, "loss", s.loss, {.help = "over all characters of a step, or the last of each lane alone"});
  add(v, "accumulate", s.accumulate,
      {.help = "run a rank's lanes in N groups one after another: less memory, the same curve",
       .unit = "groups",
       .min = 1,
       .max = 65536});
  add(v, "sampling", s.sampling,
      {.help = "sequential: lanes with carried state; random: shuffled windows from zero state"});
  add(v, "random_offset", s.random_offset, {.help = "start each shard of each epoch at a drawn character"});
  add(v, "reset_state", s.reset_state,
      {.help = "where a lane starts from zero state: at a shard's start, or also after a document began"});
  add(v, "steps", s.steps, {.help = "length of the run", .unit = "steps", .min = 1, .word = "none"});
  add(v, "epochs", s.epochs,
      {.help = "length of the run, in place of steps",
       .unit = "epochs",
       .min = 1e-6,
       .max = 1e6,
       .word = "none"});
}

void add_update_and_divergence(TrainSettings& s, SettingsVisitor& v) {
  add(v, "scale_learning_rate", s.scale_learning_rate,
      {.help = "multiply the rate by batch_size / reference_batch_size, or by its square root"});
  add(v, "reference_batch_size", s.reference_batch_size,
      {.help = "the batch that optimizer.learning_rate was found for",
       .unit = "lanes",
       .min = 1,
       .max = 16777216,
       .word = "none"});
  add(v, "clip_norm", s.clip_norm, {.help = "longest gradient, by its L2 norm; 0: never clip", .min = 0});
  add(v, "precision", s.precision,
      {.help = "number type of the model's matrix products; auto: tf32 on GPUs that have it, else fp32; "
               "weights are kept in fp32"});
  add(v, "read_every", s.read_every,
      {.help = "losses stay on the device for N steps, which need not wait for them; auto: 1 on the "
               "CPU, 10 on GPUs",
       .unit = "steps",
       .min = 1,
       .max = 1000});
  add(v, "profile", s.profile,
      {.help = "print where a step's time goes, and write trace-rank-R.json of the first steps"});
  add(v, "average_decay", s.average_decay,
      {.help = "keep a running average of the weights: this share of the old one at each step",
       .min = 0,
       .max = 0.999999,
       .word = "none"});
  add(v, "skip_spikes_above", s.skip_spikes_above,
      {.help = "skip a step whose gradient norm lies N standard deviations above its running mean",
       .min = 1,
       .max = 1000,
       .word = "none"});
  add(v, "max_skipped_steps", s.max_skipped_steps,
      {.help = "N skipped steps in a row are a divergence", .unit = "steps", .min = 1});
  add(v, "on_divergence", s.on_divergence,
      {.help = "stop: exit code 3; rollback: back to the last good checkpoint with a lower rate"});
  add(v, "rollback_rate_factor", s.rollback_rate_factor,
      {.help = "what each rollback multiplies the learning rate by", .min = 0.001, .max = 1});
  add(v, "max_rollbacks", s.max_rollbacks, {.help = "one more divergence ends the run", .min = 1});
  add(v, "log_every", s.log_every, {.help = "between lines of metrics.jsonl; 0: only the last", .min = 0});
}

void visit(TrainSettings& s, SettingsVisitor& v) {
  add_reading_and_length(s, v);
  v.section("optimizer", [&](SettingsVisitor& inner) { visit(s.optimizer, inner); });
  v.section("schedule", [&](SettingsVisitor& inner) { visit(s.schedule, inner); });
  add_update_and_divergence(s, v);
}

void visit(EvaluateSettings& s, SettingsVisitor& v) {
  add(v, "every", s.every, {.help = "between values on the validation split; 0: never", .min = 0});
  add(v, "lanes", s.lanes,
      {.help = "parts of the split that are read side by side", .unit = "lanes", .min = 1, .max = 65536});
  add(v, "weights", s.weights, {.help = "average: those of train.average_decay"});
  add(v, "patience", s.patience,
      {.help = "end the run after N values in a row that are not the best",
       .unit = "values",
       .min = 1,
       .word = "none"});
}

void visit(SampleSettings& s, SettingsVisitor& v) {
  add(v, "every", s.every, {.help = "between samples; 0: never", .min = 0});
  add(v, "prefixes", s.prefixes, {.help = "texts that the model continues"});
  add(v, "length", s.length, {.help = "of each sample", .unit = "characters", .min = 1, .max = 1000000});
  add(v, "temperatures", s.temperatures,
      {.help = "one sample each; greedy (or 0): always the likeliest", .min = 0, .max = 100});
  add(v, "unknown_characters", s.unknown_characters,
      {.help = "what becomes of a prefix's characters that the vocabulary lacks: unk makes them <unk>"});
  add(v, "weights", s.weights, {.help = "average: those of train.average_decay"});
}

void visit(CheckpointSettings& s, SettingsVisitor& v) {
  add(v, "every", s.every, {.help = "between checkpoints; 0: only the last and the best", .min = 0});
  add(v, "keep", s.keep, {.help = "how many to keep, in addition to the best", .min = 1, .max = 1000000});
}

void visit(RunSettings& s, SettingsVisitor& v) {
  add(v, "output", s.output, {.help = "folder of the run"});
  add(v, "seed", s.seed, {.help = "of every random draw", .min = 0});
  add(v, "device", s.device, {.help = "auto: a GPU if one is found"});
  add(v, "threads", s.threads,
      {.help = "of each rank; auto: OMP_NUM_THREADS, or its share of the cores", .min = 1, .max = 4096});
  add(v, "progress", s.progress, {.help = "auto: live on a terminal, else plain lines"});
  add(v, "stop_before_limit", s.stop_before_limit,
      {.help = "save and leave with code 75 so long before Slurm's time limit",
       .unit = "s",
       .min = 1,
       .max = 1e6,
       .word = "none"});
}

void visit(CommSettings& s, SettingsVisitor& v) {
  add(v, "backend", s.backend, {.help = "auto: nccl on GPUs, mpi under mpirun or srun, else solo"});
  add(v, "timeout_seconds", s.timeout_seconds,
      {.help = "longest wait for the other ranks", .unit = "s", .min = 0.1, .max = 1e6});
  add(v, "start_timeout_seconds", s.start_timeout_seconds,
      {.help = "longest start of MPI and NCCL, ranks that start late included; large jobs need minutes",
       .unit = "s",
       .min = 0.1,
       .max = 1e6});
  add(v, "gradient_type", s.gradient_type,
      {.help = "how gradients travel; bf16 and fp16 halve the bytes and round"});
  add(v, "gradient_buckets", s.gradient_buckets,
      {.help = "layer: upper layers are summed over the ranks while lower ones still run backward"});
  add(v, "check_replicas_every", s.check_replicas_every,
      {.help = "compare the weights of all ranks; 0: never", .unit = "steps", .min = 0});
  add(v, "straggler_factor", s.straggler_factor,
      {.help = "report a rank that takes N times as long as the median rank; 0: never",
       .min = 0,
       .max = 1000});
}

}  // namespace

void visit(CorpusSettings& s, SettingsVisitor& v) {
  add(v, "sources", s.sources,
      {.help = "text, JSON lines (.jsonl), .gz, .zst: files, folders, globs, @LIST, - for standard input"});
  add(v, "output", s.output,
      {.help = "folder of the shards that charrnn_preprocess writes and the others read"});
  add(v, "encoding", s.encoding, {.help = "charset of the sources; auto: found out for each"});
  add(v, "invalid_bytes", s.invalid_bytes,
      {.help = "what becomes of bytes that are no character: replace gives U+FFFD"});
  add(v, "json_field", s.json_field, {.help = "where a line of JSON has its text"});
  add(v, "on_error", s.on_error, {.help = "what a file that is not text, not readable or empty does"});
  add(v, "line_ends", s.line_ends, {.help = "unify: CR LF, CR CR LF and CR become LF"});
  add(v, "invisible_characters", s.invisible_characters,
      {.help = "drop: control and zero-width characters, soft hyphens, direction marks, byte order marks "
               "inside the text and U+FFFD"});
  add(v, "gutenberg", s.gutenberg, {.help = "strip: leave out Project Gutenberg's header, footer, licence"});
  add(v, "minimum_kept", s.minimum_kept,
      {.help = "strip nothing where less than this share of a text would remain", .min = 0, .max = 1});
  add(v, "normalization", s.normalization, {.help = "Unicode normalisation form"});
  add(v, "transliterate", s.transliterate, {.help = "to ASCII, by ICU's Any-Latin; Latin-ASCII"});
  add(v, "lower_case", s.lower_case, {.help = "lower-case all letters"});
  add(v, "letters_only", s.letters_only,
      {.help = "in each line, runs of all but a to z become one space, ends are trimmed; lower case"});
  add(v, "join_lines", s.join_lines, {.help = "what a line end becomes"});
  add(v, "collapse_blanks", s.collapse_blanks,
      {.help = "runs of blanks become one space, runs of empty lines one, blanks before line ends go"});
  add(v, "document_end", s.document_end, {.help = "character that ends each document; empty: none"});
  add(v, "max_characters", s.max_characters,
      {.help = "keep so much of the cleaned text, from its start",
       .unit = "characters",
       .min = 2,
       .word = "all"});
  add(v, "targets", s.targets,
      {.help = "a text as long as the corpus: what each character's target is; empty: its successor"});
  add(v, "unit", s.unit, {.help = "what one element of the vocabulary is"});
  v.section("vocabulary", [&](SettingsVisitor& inner) { visit(s.vocabulary, inner); });
  v.section("split", [&](SettingsVisitor& inner) { visit(s.split, inner); });
  add(v, "shard_size", s.shard_size,
      {.help = "longest shard", .unit = "characters", .min = 2, .max = 4294967295.0});
}

void visit(Settings& s, SettingsVisitor& v) {
  v.section("corpus", [&](SettingsVisitor& inner) { visit(s.corpus, inner); });
  v.section("model", [&](SettingsVisitor& inner) { visit(s.model, inner); });
  v.section("train", [&](SettingsVisitor& inner) { visit(s.train, inner); });
  v.section("evaluate", [&](SettingsVisitor& inner) { visit(s.evaluate, inner); });
  v.section("sample", [&](SettingsVisitor& inner) { visit(s.sample, inner); });
  v.section("checkpoint", [&](SettingsVisitor& inner) { visit(s.checkpoint, inner); });
  v.section("run", [&](SettingsVisitor& inner) { visit(s.run, inner); });
  v.section("comm", [&](SettingsVisitor& inner) { visit(s.comm, inner); });
}

}  // namespace charrnn
