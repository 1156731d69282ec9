#include "charrnn/corpus/text_cut.h"

#include <limits>
#include <string_view>

#include "charrnn/text/utf8.h"

namespace charrnn {

TextCut::TextCut(const CorpusSettings& settings)
    : settings_(settings),
      left_(settings.max_characters ? static_cast<uint64_t>(*settings.max_characters)
                                    : std::numeric_limits<uint64_t>::max()) {}

bool TextCut::cut(CleanBlock& clean) {
  const std::string_view text = clean.block.text;
  size_t parts = 0;
  size_t bytes = 0;
  uint64_t ends = 0;  // ends of documents that were removed
  for (DocumentPart& part : clean.parts) {
    if (is_full()) {
      ends += part.has_end ? 1 : 0;
      continue;
    }
    if (part.units > left_) {
      const size_t fewer = bytes_of(text.substr(bytes), left_, settings_.unit);
      if (part.bytes - fewer >= settings_.document_end.size()) ends += part.has_end ? 1 : 0;
      part = {.begins = part.begins, .line = part.line, .bytes = fewer, .units = left_, .has_end = false};
    }
    left_ -= part.units;
    bytes += part.bytes;
    ++parts;
  }
  if (parts == clean.parts.size() && bytes == text.size()) return false;
  const uint64_t characters = count_characters(text.substr(bytes)) - ends;
  clean.counts.max_characters -= static_cast<int64_t>(characters);
  clean.counts.kept -= characters;
  clean.parts.resize(parts);
  clean.block.text.resize(bytes);
  return true;
}

}  // namespace charrnn
