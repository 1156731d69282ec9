#include "data/block_reader.h"

#include "core/error.h"

namespace charrnn {

bool BlockReader::next(TextBlock& block) {
  while (!reader_) {
    if (source_ == text_.sources.size()) return false;
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
