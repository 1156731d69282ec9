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
  add(v, "min_count", s.min_count,
      {.help = "smallest count of a character in the vocabulary; rarer ones become <unk>",
       .unit = "times",
       .min = 1});
  add(v, "max_size", s.max_size,
      {.help = "largest vocabulary, <unk> included; the most frequent characters are kept",
       .unit = "characters",
       .min = 2,
       .word = "none"});
  add(v, "unknown", s.unknown, {.help = "add <unk> even if no character is left out of the vocabulary"});
  add(v, "from", s.from,
      {.help = "vocabulary.json, corpus or run whose characters and ids to use, for fine-tuning; empty: "
               "those of the text"});
}

void visit(SplitSettings& s, SettingsVisitor& v) {
  add(v, "by", s.by,
      {.help = "what is held out; document: whole documents, by the hash of their name; tail: the end of the "
               "text; list: the documents in valid_list and test_list; auto: by document if there are ten or "
               "more files, else by tail"});
  add(v, "valid", s.valid,
      {.help = "share of the text held out for validation during training", .min = 0, .max = 0.9});
  add(v, "test", s.test,
      {.help = "share of the text held out for the final evaluation", .min = 0, .max = 0.9});
  add(v, "valid_list", s.valid_list,
      {.help = "validation documents, by name or glob, or @FILE with one per line (by: list)"});
  add(v, "test_list", s.test_list,
      {.help = "test documents, in the same form; all others are for training (by: list)"});
  add(v, "copies", s.copies,
      {.help = "what to do with duplicate and nearly duplicate documents that fall into different splits; "
               "report: list them; together: keep them in one split (by: document); ignore: do not look for "
               "them"});
}

void visit(ModelSettings& s, SettingsVisitor& v) {
  add(v, "cell", s.cell, {.help = "type of recurrent cell"});
  add(v, "input", s.input, {.help = "input of the first layer for each character"});
  add(v, "embedding_size", s.embedding_size,
      {.help = "size of the embedding (input: embedding)", .unit = "units", .min = 1, .max = 65536});
  add(v, "hidden_size", s.hidden_size,
      {.help = "size of each recurrent layer", .unit = "units", .min = 1, .max = 65536});
  add(v, "layers", s.layers, {.help = "number of recurrent layers", .min = 1, .max = 64});
  add(v, "dropout", s.dropout,
      {.help = "dropout probability after each recurrent layer but the last", .min = 0, .max = 0.95});
  add(v, "output_dropout", s.output_dropout,
      {.help = "dropout probability after the last recurrent layer; auto: the value of dropout",
       .min = 0,
       .max = 0.95});
  add(v, "head", s.head,
      {.help = "output layer; linear: a linear layer that computes the logits; none: the outputs of the last "
               "recurrent layer are the logits (hidden_size must be the vocabulary size)"});
  add(v, "tied_weights", s.tied_weights, {.help = "use the embedding's weights as the head's weights"});
  add(v, "initial_weights", s.initial_weights,
      {.help = "distribution of the initial weights; pytorch: as PyTorch's layers draw them; normal: "
               "normal(0, initial_scale), biases 0"});
  add(v, "initial_scale", s.initial_scale,
      {.help = "standard deviation of the initial weights (initial_weights: normal)", .min = 0, .max = 10});
  add(v, "forget_bias", s.forget_bias,
      {.help = "initial bias of the forget gate (lstm)", .min = -10, .max = 10});
  add(v, "kernel", s.kernel,
      {.help = "implementation of the recurrent layers; fast: charrnn's kernels on the CPU, cuDNN on a GPU; "
               "reference: LibTorch; their results differ only by rounding"});
}

void visit(OptimizerSettings& s, SettingsVisitor& v) {
  add(v, "name", s.name, {.help = "update rule; adamw: adam with decoupled weight decay"});
  add(v, "learning_rate", s.learning_rate,
      {.help = "full learning rate, before the schedule is applied", .min = 0, .max = 1000});
  add(v, "momentum", s.momentum, {.help = "momentum (sgd, rmsprop)", .min = 0, .max = 0.9999});
  add(v, "nesterov", s.nesterov, {.help = "use Nesterov momentum (sgd)"});
  add(v, "alpha", s.alpha, {.help = "decay rate of the mean square (rmsprop)", .min = 0, .max = 0.999999});
  add(v, "beta1", s.beta1,
      {.help = "decay rate of the first moment (adam, adamw)", .min = 0, .max = 0.999999});
  add(v, "beta2", s.beta2,
      {.help = "decay rate of the second moment (adam, adamw)", .min = 0, .max = 0.999999});
  add(v, "epsilon", s.epsilon,
      {.help = "term added to the denominator of the update (rmsprop, adam, adamw)", .min = 0, .max = 1});
  add(v, "amsgrad", s.amsgrad, {.help = "divide by the largest second moment so far (adam, adamw)"});
  add(v, "weight_decay", s.weight_decay,
      {.help = "weight decay: an L2 penalty; decoupled from the gradient with adamw", .min = 0, .max = 10});
}

void visit(ScheduleSettings& s, SettingsVisitor& v) {
  add(v, "name", s.name,
      {.help = "how the learning rate changes after the warm-up; plateau: when the validation loss stops "
               "falling"});
  add(v, "warmup_steps", s.warmup_steps,
      {.help = "length of the linear warm-up to the full learning rate", .unit = "steps", .min = 0});
  add(v, "final_fraction", s.final_fraction,
      {.help = "last (cosine, linear) or lowest (plateau) learning rate, as a fraction of the full one",
       .min = 0,
       .max = 1});
  add(v, "step_size", s.step_size,
      {.help = "interval between reductions of the learning rate (step)", .unit = "steps", .min = 1});
  add(v, "factor", s.factor,
      {.help = "factor by which each reduction multiplies the learning rate (step, plateau)",
       .min = 0,
       .max = 1});
  add(v, "patience", s.patience,
      {.help = "number of consecutive evaluations without improvement that are tolerated before a reduction "
               "(plateau)",
       .unit = "values",
       .min = 0});
  add(v, "threshold", s.threshold,
      {.help =
           "smallest decrease of the validation loss, relative to the best, that counts as better (plateau)",
       .min = 0,
       .max = 0.9});
  add(v, "cooldown", s.cooldown,
      {.help = "number of evaluations to ignore after a reduction (plateau)", .unit = "values", .min = 0});
}

void add_reading_and_length(TrainSettings& s, SettingsVisitor& v) {
  add(v, "start_from", s.start_from,
      {.help = "run or checkpoint that provides the initial weights of a new run; empty: random weights"});
  add(v, "batch_size", s.batch_size,
      {.help = "batch size: number of sequences in each step, over all ranks; each sequence reads its own "
               "part of the text, a lane",
       .unit = "lanes",
       .min = 1,
       .max = 16777216});
  add(v, "lanes_per_rank", s.lanes_per_rank,
      {.help = "lanes of each rank; batch_size becomes this times the number of ranks that start the run",
       .unit = "lanes",
       .min = 1,
       .max = 16777216,
       .word = "none"});
  add(v, "sequence_length", s.sequence_length,
      {.help = "characters of each lane in one step (T); a range such as [10, 40]: drawn for each step",
       .unit = "characters",
       .min = 1,
       .max = 1048576});
  add(v, "loss", s.loss,
      {.help = "characters of each lane that count in the loss: all of a step, or only the last"});
  add(v, "accumulate", s.accumulate,
      {.help = "gradient accumulation: number of groups into which each rank divides its lanes, processed "
               "one after another to save memory; batch_size and the loss curve stay the same",
       .unit = "groups",
       .min = 1,
       .max = 65536});
  add(v, "sampling", s.sampling,
      {.help = "order in which the training text is read; sequential: each lane keeps its state from step to "
               "step; random: shuffled windows, each starting from a zero state"});
  add(v, "random_offset", s.random_offset, {.help = "start each shard at a random character in each epoch"});
  add(v, "reset_state", s.reset_state,
      {.help = "when the state of a lane is set to zero; shard: at the start of a shard; document: also at "
               "the first step that begins at or after the start of a document"});
  add(v, "steps", s.steps, {.help = "length of the run", .unit = "steps", .min = 1, .word = "none"});
  add(v, "epochs", s.epochs,
      {.help = "length of the run, instead of steps",
       .unit = "epochs",
       .min = 1e-6,
       .max = 1e6,
       .word = "none"});
}

void add_update_and_divergence(TrainSettings& s, SettingsVisitor& v) {
  add(v, "scale_learning_rate", s.scale_learning_rate,
      {.help = "multiply the learning rate by batch_size / reference_batch_size (linear) or its square root "
               "(sqrt)"});
  add(v, "reference_batch_size", s.reference_batch_size,
      {.help = "batch size for which optimizer.learning_rate was chosen",
       .unit = "lanes",
       .min = 1,
       .max = 16777216,
       .word = "none"});
  add(v, "clip_norm", s.clip_norm,
      {.help = "largest L2 norm of the gradient; a longer one is scaled down; 0: no clipping", .min = 0});
  add(v, "precision", s.precision,
      {.help = "number type of the model's matrix products; auto: tf32 on GPUs that support it, else fp32; "
               "weights are kept in fp32"});
  add(v, "read_every", s.read_every,
      {.help = "interval between reads of the losses from the device: each read waits until the device has "
               "computed them; auto: 1 on the CPU, 10 on GPUs",
       .unit = "steps",
       .min = 1,
       .max = 1000});
  add(v, "profile", s.profile,
      {.help = "print how the time of a step is spent, and write a trace of the first steps to "
               "trace-rank-R.json in the run's folder"});
  add(v, "average_decay", s.average_decay,
      {.help = "decay rate of a running average of the weights; none: no average",
       .min = 0,
       .max = 0.999999,
       .word = "none"});
  add(v, "skip_spikes_above", s.skip_spikes_above,
      {.help = "skip a step whose gradient norm is more than this many standard deviations above its running "
               "mean",
       .min = 1,
       .max = 1000,
       .word = "none"});
  add(v, "max_skipped_steps", s.max_skipped_steps,
      {.help = "number of consecutive skipped steps after which the run counts as diverged",
       .unit = "steps",
       .min = 1});
  add(v, "on_divergence", s.on_divergence,
      {.help = "what to do if the run diverges; stop: end with exit code 3; rollback: return to the last "
               "good checkpoint with a lower learning rate"});
  add(v, "rollback_rate_factor", s.rollback_rate_factor,
      {.help = "factor by which each rollback multiplies the learning rate", .min = 0.001, .max = 1});
  add(v, "max_rollbacks", s.max_rollbacks,
      {.help = "largest number of rollbacks; the next divergence ends the run", .min = 1});
  add(v, "log_every", s.log_every,
      {.help = "interval between lines of metrics.jsonl; 0: only after the last step", .min = 0});
}

void visit(TrainSettings& s, SettingsVisitor& v) {
  add_reading_and_length(s, v);
  v.section("optimizer", [&](SettingsVisitor& inner) { visit(s.optimizer, inner); });
  v.section("schedule", [&](SettingsVisitor& inner) { visit(s.schedule, inner); });
  add_update_and_divergence(s, v);
}

void visit(EvaluateSettings& s, SettingsVisitor& v) {
  add(v, "every", s.every,
      {.help = "interval between evaluations on the validation split; 0: never", .min = 0});
  add(v, "lanes", s.lanes,
      {.help = "number of lanes (parts of the split read in parallel)",
       .unit = "lanes",
       .min = 1,
       .max = 65536});
  add(v, "weights", s.weights,
      {.help = "weights to evaluate; last: of the last step; average: their running average "
               "(train.average_decay)"});
  add(v, "patience", s.patience,
      {.help = "early stopping: end the run after this many consecutive evaluations without a new best loss",
       .unit = "values",
       .min = 1,
       .word = "none"});
}

void visit(SampleSettings& s, SettingsVisitor& v) {
  add(v, "every", s.every, {.help = "interval between samples; 0: never", .min = 0});
  add(v, "prefixes", s.prefixes, {.help = "texts for the model to continue"});
  add(v, "length", s.length,
      {.help = "length of each sample", .unit = "characters", .min = 1, .max = 1000000});
  add(v, "temperatures", s.temperatures,
      {.help = "sampling temperatures, one sample for each; greedy (or 0): always the likeliest character",
       .min = 0,
       .max = 100});
  add(v, "unknown_characters", s.unknown_characters,
      {.help = "what to do with a prefix's characters that are not in the vocabulary; error: report them; "
               "unk: read them as <unk>; skip: leave them out"});
  add(v, "weights", s.weights,
      {.help = "weights to sample with; last: of the last step; average: their running average "
               "(train.average_decay)"});
}

void visit(CheckpointSettings& s, SettingsVisitor& v) {
  add(v, "every", s.every, {.help = "interval between checkpoints; 0: only the last and the best", .min = 0});
  add(v, "keep", s.keep,
      {.help = "number of checkpoints to keep, in addition to the best", .min = 1, .max = 1000000});
}

void visit(RunSettings& s, SettingsVisitor& v) {
  add(v, "output", s.output, {.help = "folder of the run"});
  add(v, "seed", s.seed, {.help = "seed of all random numbers", .min = 0});
  add(v, "device", s.device, {.help = "device to compute on; auto: a GPU if one is found, else the CPU"});
  add(v, "threads", s.threads,
      {.help = "CPU threads of each rank; auto: OMP_NUM_THREADS, or the rank's share of the cores",
       .min = 1,
       .max = 4096});
  add(v, "progress", s.progress,
      {.help = "display of progress; live: one line that is updated; plain: one line for each report; auto: "
               "live on a terminal, else plain"});
  add(v, "stop_before_limit", s.stop_before_limit,
      {.help = "time before the time limit of the Slurm job at which to save and exit with code 75",
       .unit = "s",
       .min = 1,
       .max = 1e6,
       .word = "none"});
}

void visit(CommSettings& s, SettingsVisitor& v) {
  add(v, "backend", s.backend,
      {.help = "communication between ranks; auto: nccl on GPUs, mpi under mpirun or srun, else solo"});
  add(v, "timeout_seconds", s.timeout_seconds,
      {.help = "longest wait for other ranks", .unit = "s", .min = 0.1, .max = 1e6});
  add(v, "start_timeout_seconds", s.start_timeout_seconds,
      {.help = "longest start of MPI and NCCL, including the wait for late ranks; large jobs need minutes",
       .unit = "s",
       .min = 0.1,
       .max = 1e6});
  add(v, "gradient_type", s.gradient_type,
      {.help = "number type in which gradients are sent; bf16 and fp16 halve the traffic and round"});
  add(v, "gradient_buckets", s.gradient_buckets,
      {.help = "when gradients are summed over the ranks; one: all together after the backward pass; layer: "
               "layer by layer, during the backward pass"});
  add(v, "check_replicas_every", s.check_replicas_every,
      {.help = "interval between comparisons of the weights of all ranks; 0: never",
       .unit = "steps",
       .min = 0});
  add(v, "straggler_factor", s.straggler_factor,
      {.help = "report a rank whose steps take this many times as long as the median rank's; 0: never",
       .min = 0,
       .max = 1000});
}

}  // namespace

void visit(CorpusSettings& s, SettingsVisitor& v) {
  add(v, "sources", s.sources,
      {.help = "sources of text (plain, .jsonl, .gz, .zst): files, folders, globs, @LIST, or - for standard "
               "input"});
  add(v, "output", s.output,
      {.help = "folder for the shards: charrnn_preprocess writes them, the other tools read them"});
  add(v, "encoding", s.encoding, {.help = "character encoding of the sources; auto: detected for each file"});
  add(v, "invalid_bytes", s.invalid_bytes,
      {.help = "what to do with bytes that are invalid in the encoding; error: report them; replace: write "
               "U+FFFD; skip: leave them out"});
  add(v, "json_field", s.json_field,
      {.help = "name of the JSON field that contains the text (.jsonl sources)"});
  add(v, "on_error", s.on_error,
      {.help = "what to do with a file that is not text, not readable or empty; stop: end with an error; "
               "skip: leave it out"});
  add(v, "line_ends", s.line_ends, {.help = "line ends; unify: replace CR LF, CR CR LF and CR by LF"});
  add(v, "invisible_characters", s.invisible_characters,
      {.help = "invisible characters; drop: remove control and zero-width characters, soft hyphens, "
               "direction marks, U+FFFD, and byte order marks inside the text"});
  add(v, "gutenberg", s.gutenberg,
      {.help = "Project Gutenberg's header, footer and licence; strip: remove them"});
  add(v, "minimum_kept", s.minimum_kept,
      {.help = "if gutenberg: strip would leave less than this share of a text, it removes nothing from it",
       .min = 0,
       .max = 1});
  add(v, "normalization", s.normalization, {.help = "Unicode normalization form"});
  add(v, "transliterate", s.transliterate, {.help = "transliterate to ASCII (ICU's Any-Latin; Latin-ASCII)"});
  add(v, "lower_case", s.lower_case, {.help = "convert all letters to lower case"});
  add(v, "letters_only", s.letters_only,
      {.help = "convert to lower case, replace each run of characters other than a to z in a line by one "
               "space, and trim lines"});
  add(v, "join_lines", s.join_lines, {.help = "replacement for each line end"});
  add(v, "collapse_blanks", s.collapse_blanks,
      {.help = "replace runs of blanks by one space and runs of empty lines by one, and remove blanks at "
               "line ends"});
  add(v, "document_end", s.document_end,
      {.help = "character added at the end of each document; empty: none"});
  add(v, "max_characters", s.max_characters,
      {.help = "largest length of the cleaned text; the rest is dropped",
       .unit = "characters",
       .min = 2,
       .word = "all"});
  add(v, "targets", s.targets,
      {.help = "text file of the same length as the corpus with the target of each character; empty: the "
               "target is the next character"});
  add(v, "unit", s.unit, {.help = "unit of the vocabulary: a Unicode code point or a byte"});
  v.section("vocabulary", [&](SettingsVisitor& inner) { visit(s.vocabulary, inner); });
  v.section("split", [&](SettingsVisitor& inner) { visit(s.split, inner); });
  add(v, "shard_size", s.shard_size,
      {.help = "length of the longest shard", .unit = "characters", .min = 2, .max = 4294967295.0});
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
