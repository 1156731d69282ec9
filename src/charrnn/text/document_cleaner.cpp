#include "charrnn/text/document_cleaner.h"

#include "charrnn/core/error.h"
#include "charrnn/text/utf8.h"

namespace charrnn {

DocumentCleaner::DocumentCleaner(const CorpusSettings& settings) : settings_(settings), cleaner_(settings) {}

void DocumentCleaner::clean(CleanBlock& clean, const Source& source) {
  clean.parts.clear();
  clean.counts = CleaningCounts();
  clean.counts.decoded = clean.block.left_out;
  clean.counts.gutenberg = -static_cast<int64_t>(clean.block.left_out);
  clean.counts.invalid = clean.block.invalid;
  clean.lines_left_out = 0;
  clean.problem.clear();
  if (source.format == SourceFormat::kJsonLines) return clean_json_lines(clean, source);
  TextBlock& block = clean.block;
  const uint64_t characters = cleaner_.clean(block.text, source.file.string(), block.offset, clean.counts);
  const bool ends_document = block.last && !(block.first && block.text.empty());
  const bool has_end = ends_document && end_document(block.text);
  add_part(clean, {.begins = block.first,
                   .bytes = block.text.size(),
                   .units = characters + (has_end ? 1 : 0),
                   .has_end = has_end});
}

bool DocumentCleaner::end_document(std::string& text) const {
  text += settings_.document_end;
  return !settings_.document_end.empty();
}

void DocumentCleaner::add_part(CleanBlock& clean, DocumentPart part) const {
  if (settings_.unit == Unit::kByte) part.units = part.bytes;
  clean.parts.push_back(part);
}

void DocumentCleaner::clean_json_lines(CleanBlock& clean, const Source& source) {
  if (settings_.invalid_bytes != InvalidBytes::kError) {
    clean.counts.invalid +=
        repair_utf8(clean.block.text, settings_.invalid_bytes, source.file.string(), clean.block.offset);
  }
  std::string text;
  JsonLines& lines =
      json_lines_.try_emplace(source.json_field, source.json_field, settings_.invalid_bytes).first->second;
  lines.read(clean.block.text, clean.block.line, [&](const JsonLines::Document& document) {
    if (!document.problem.empty()) {
      const std::string problem =
          concat("line ", document.line, " of ", source.file.string(), " ", document.problem);
      if (settings_.on_error == OnError::kStop) {
        fail_usage(problem, ": correct it, or set corpus.on_error: skip");
      }
      if (clean.lines_left_out++ == 0) clean.problem = problem;
      return;
    }
    document_ = document.text;
    clean.counts.invalid += document.invalid;
    const uint64_t characters = cleaner_.clean(document_, source.file.string(), 0, clean.counts);
    const bool has_end = !document_.empty() && end_document(document_);
    add_part(clean, {.line = document.line,
                     .bytes = document_.size(),
                     .units = characters + (has_end ? 1 : 0),
                     .has_end = has_end});
    text += document_;
  });
  clean.block.text.swap(text);
}

}  // namespace charrnn
