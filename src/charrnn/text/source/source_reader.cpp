#include "charrnn/text/source/source_reader.h"

#include <algorithm>
#include <utility>

#include "charrnn/core/error.h"
#include "charrnn/text/utf8.h"

namespace charrnn {

SourceReader::SourceReader(const Source& source, const SourceFacts& facts, const CorpusSettings& settings,
                           size_t block_bytes)
    : source_(source), facts_(facts), safe_cut_(settings), block_bytes_(block_bytes), bytes_(source.file) {
  raw_.resize(block_bytes);
  if (!is_utf8(facts.charset)) {
    decoder_ =
        std::make_unique<CharsetDecoder>(facts.charset.name, settings.invalid_bytes, source.file.string());
  }
  std::string mark(facts.charset.mark_bytes, '\0');
  if (bytes_.read(mark) < mark.size()) at_end_ = true;
}

bool SourceReader::next(TextBlock& block) {
  if (finished_) return false;
  size_t cut = 0;
  for (size_t wanted = block_bytes_; cut == 0 && !at_end_; wanted *= 2) {
    fill(wanted);
    if (at_end_) break;
    cut = place_to_cut();
    if (cut == 0 && waiting_.size() > SafeCut::kLongestPart) {
      fail_usage(source_.file.string(), " has more than ", SafeCut::kLongestPart >> 20,
                 source_.format == SourceFormat::kText
                     ? " MiB without a line that begins with a letter and without two adjacent letters"
                     : " MiB without a line end",
                 " before byte ", decoded_, ", expected text: break its lines, or leave it out of ",
                 "corpus.sources");
    }
  }
  if (at_end_) {
    cut = waiting_.size();
    finished_ = true;
  }
  block.first = !started_;
  block.last = finished_;
  block.offset = facts_.charset.mark_bytes + decoded_ - waiting_.size();
  block.line = line_;
  block.left_out = std::exchange(left_out_, 0);
  const uint64_t invalid = decoder_ ? decoder_->invalid() : 0;
  block.invalid = invalid - std::exchange(invalid_, invalid);
  started_ = true;
  std::string rest = waiting_.substr(cut);
  waiting_.resize(cut);
  block.text.swap(waiting_);
  waiting_ = std::move(rest);
  if (source_.format == SourceFormat::kJsonLines) {
    line_ += static_cast<uint64_t>(std::count(block.text.begin(), block.text.end(), '\n'));
  }
  return true;
}

void SourceReader::fill(size_t wanted) {
  while (waiting_.size() < wanted && !at_end_) {
    if (!decoder_ && facts_.cuts.empty()) {
      const size_t had = waiting_.size();
      waiting_.resize(wanted);
      const size_t count = bytes_.read(std::span(waiting_).subspan(had));
      waiting_.resize(had + count);
      at_end_ = waiting_.size() < wanted;
      decoded_ += count;
    } else {
      const size_t count = bytes_.read(raw_);
      at_end_ = count < raw_.size();
      const std::string_view bytes(raw_.data(), count);
      append(decoder_ ? decoder_->decode(bytes) : bytes);
      if (at_end_ && decoder_) append(decoder_->finish());
    }
  }
}

void SourceReader::append(std::string_view decoded) {
  while (!decoded.empty()) {
    const auto& cuts = facts_.cuts;
    while (cut_ < cuts.size() && cuts[cut_].end <= decoded_) ++cut_;
    size_t count = decoded.size();
    if (cut_ < cuts.size() && cuts[cut_].begin <= decoded_) {
      count = std::min<uint64_t>(count, cuts[cut_].end - decoded_);
      left_out_ += count_characters(decoded.substr(0, count));
    } else {
      if (cut_ < cuts.size()) count = std::min<uint64_t>(count, cuts[cut_].begin - decoded_);
      waiting_.append(decoded.substr(0, count));
    }
    decoded_ += count;
    decoded.remove_prefix(count);
  }
}

size_t SourceReader::place_to_cut() const {
  if (source_.format == SourceFormat::kText) return safe_cut_.last(waiting_);
  const size_t line_end = waiting_.rfind('\n');
  return line_end == std::string::npos ? 0 : line_end + 1;
}

}  // namespace charrnn
