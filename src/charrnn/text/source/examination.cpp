#include "charrnn/text/source/examination.h"

#include <atomic>
#include <memory>

#include "charrnn/core/error.h"
#include "charrnn/core/ordered_pipeline.h"
#include "charrnn/text/gutenberg/gutenberg.h"
#include "charrnn/text/source/byte_survey.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

// Some bytes of a source, cut after a line end or at least not inside a UTF-8 character.
struct Piece {
  size_t source = 0;
  std::string bytes;
  bool first = false, last = false;
  ByteSurvey survey;
  bool names_gutenberg = false;
};

bool names_gutenberg(std::string_view bytes) {
  return bytes.find("utenberg") != std::string_view::npos || bytes.find("UTENBERG") != std::string_view::npos;
}

size_t place_to_cut(std::string_view bytes) {
  const size_t line_end = bytes.rfind('\n');
  if (line_end != std::string_view::npos) return line_end + 1;
  size_t place = bytes.size();
  while (place > 1 && bytes.size() - place < 3 && U8_IS_TRAIL(bytes[place - 1])) --place;
  return place > 1 ? place - 1 : bytes.size();
}

// Reads one source after the other in pieces.
class PieceReader {
 public:
  PieceReader(const std::vector<Source>& sources, std::vector<Examined>& examined,
              const std::function<void(uint64_t)>& progress)
      : sources_(sources), examined_(examined), progress_(progress) {}

  bool next(Piece& piece) {
    while (source_ < sources_.size()) {
      try {
        read(piece);
        return true;
      } catch (const Error& problem) {
        examined_[source_].problem = problem.what();
        end_source();
      }
    }
    return false;
  }

 private:
  void read(Piece& piece) {
    const bool first = !bytes_;
    if (first) bytes_ = std::make_unique<ByteSource>(sources_[source_].file);
    piece.bytes = rest_;
    piece.bytes.resize(rest_.size() + SourceReader::kBlockBytes);
    const size_t wanted = piece.bytes.size() - rest_.size();
    const size_t count = bytes_->read(std::span(piece.bytes).last(wanted));
    piece.bytes.resize(rest_.size() + count);
    piece.source = source_;
    piece.first = first;
    piece.last = count < wanted;
    rest_.clear();
    if (piece.last) {
      examined_[source_].hash = bytes_->hash();
      end_source();
    } else {
      rest_ = piece.bytes.substr(place_to_cut(piece.bytes));
      piece.bytes.resize(piece.bytes.size() - rest_.size());
      progress_(finished_ + bytes_->bytes_on_disk());
    }
  }

  void end_source() {
    if (bytes_) finished_ += bytes_->bytes_on_disk();
    progress_(finished_);
    bytes_.reset();
    rest_.clear();
    ++source_;
  }

  const std::vector<Source>& sources_;
  std::vector<Examined>& examined_;
  const std::function<void(uint64_t)>& progress_;
  size_t source_ = 0;
  std::unique_ptr<ByteSource> bytes_;
  std::string rest_;
  uint64_t finished_ = 0;
};

// Reads the decoded text to find what the bytes alone do not show: Gutenberg's parts, and the first malformed
// sequence if that is an error.
void read_decoded(const Source& source, const CorpusSettings& settings, bool find_gutenberg,
                  Examined& examined) {
  SourceReader reader(source, examined.facts, settings);
  GutenbergScanner scanner;
  uint64_t size = 0;
  for (TextBlock block; reader.next(block);) {
    if (find_gutenberg) scanner.add(block.text);
    size += block.text.size();
    if (settings.invalid_bytes == InvalidBytes::kError) {
      repair_utf8(block.text, settings.invalid_bytes, source.file.string(), block.offset);
    }
  }
  if (!find_gutenberg) return;
  uint64_t left_out = 0;
  std::vector<GutenbergScanner::Cut> cuts = scanner.finish();
  for (const GutenbergScanner::Cut& cut : cuts) left_out += cut.end - cut.begin;
  examined.facts.cuts_refused = !cuts.empty() && static_cast<double>(size - left_out) <
                                                     settings.minimum_kept * static_cast<double>(size);
  if (!examined.facts.cuts_refused) examined.facts.cuts = std::move(cuts);
}

// If the charset is UTF-8, with the byte order mark that was found; CharsetDecoder handles those of others.
Charset given(const std::string& name, const Charset& found) {
  Charset charset = given_charset(name);
  if (is_utf8(charset) && found.name == "UTF-8") charset.mark_bytes = found.mark_bytes;
  return charset;
}

// Decides from the survey of all bytes of a source whether it is text, and in which charset.
void decide(const Source& source, const ByteSurvey& survey, Examined& examined) {
  Charset& charset = examined.facts.charset;
  charset = survey.decide();
  if (source.encoding) charset = given(*source.encoding, charset);
  if (survey.bytes() == 0) {
    examined.problem = source.file.string() + " is empty: leave it out of corpus.sources";
  } else if (!source.encoding && survey.looks_binary()) {
    examined.problem = concat(source.file.string(), " ", survey.binary_reason(),
                              ": expected text (plain, .gz, .zst or JSON lines): leave it out of ",
                              "corpus.sources, or convert it to text");
  }
}

// What was found in a piece of a source.
struct Seen {
  std::atomic<bool> has_whole_sample = false;
  bool names_gutenberg = false;
  bool may_be_malformed = false;
};

}  // namespace

std::vector<Examined> examine(const std::vector<Source>& sources, const CorpusSettings& settings, int threads,
                              const std::function<void(uint64_t)>& progress) {
  std::vector<Examined> examined(sources.size());
  std::vector<Seen> seen(sources.size());
  ByteSurvey survey;  // of the source that the pieces placed belong to
  PieceReader reader(sources, examined, progress);
  run_ordered_pipeline<Piece>(
      threads, [&](Piece& piece) { return reader.next(piece); },
      [&](Piece& piece) {
        const bool sample = !seen[piece.source].has_whole_sample;
        piece.survey = piece.first ? ByteSurvey() : ByteSurvey::of_later_piece(sample);
        piece.survey.add(piece.bytes);
        piece.names_gutenberg = (piece.first || piece.last) && names_gutenberg(piece.bytes);
      },
      [&](Piece& piece) {
        const size_t s = piece.source;
        if (piece.first) survey = ByteSurvey();
        survey.merge(piece.survey);
        if (survey.has_whole_sample()) seen[s].has_whole_sample = true;
        if (piece.names_gutenberg) seen[s].names_gutenberg = true;
        if (!piece.last) return;
        decide(sources[s], survey, examined[s]);
        seen[s].may_be_malformed = !is_utf8(examined[s].facts.charset) || survey.malformed() > 0;
      },
      [](Piece&) {});

  run_side_by_side(threads, sources.size(), [&](size_t s) {
    const bool find_gutenberg = seen[s].names_gutenberg && settings.gutenberg == Gutenberg::kStrip &&
                                sources[s].format == SourceFormat::kText;
    const bool find_malformed = seen[s].may_be_malformed && settings.invalid_bytes == InvalidBytes::kError;
    if ((!find_gutenberg && !find_malformed) || !examined[s].problem.empty()) return;
    try {
      read_decoded(sources[s], settings, find_gutenberg, examined[s]);
    } catch (const Error& problem) {
      examined[s].problem = problem.what();
    }
  });
  return examined;
}

}  // namespace charrnn
