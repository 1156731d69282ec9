#include "charrnn/corpus/block_reader.h"

#include "charrnn/core/error.h"

namespace charrnn {

BlockReader::BlockReader(const CorpusText& text, BuildStage stage)
    : text_(text), progress_{stage, 0, 0}, stop_(text.sources_read) {
  for (size_t s = 0; s < text.sources_read; ++s) progress_.bytes_total += text.sources[s].bytes;
}

bool BlockReader::next(TextBlock& block) {
  while (!reader_) {
    if (source_ == stop_) return false;
    const Examined& examined = text_.examined[source_];
    if (examined.problem.empty()) {
      reader_.emplace(text_.sources[source_], examined.facts, text_.settings, text_.options.block_bytes);
    } else {
      ++source_;
    }
  }
  reader_->next(block);
  block.source = source_;
  progress_.bytes_done = finished_ + reader_->bytes_on_disk();
  text_.options.progress(progress_);
  if (block.last) {
    if (reader_->hash() != text_.examined[source_].hash) fail_changed(text_.sources[source_]);
    finished_ += reader_->bytes_on_disk();
    reader_.reset();
    ++source_;
  }
  return true;
}

void fail_changed(const Source& source) {
  fail(source.file.string(),
       " changed while it was being read: expected the same text throughout: run again");
}

}  // namespace charrnn
