#include "charrnn/corpus/run_together.h"

#include <string_view>

#include "charrnn/corpus/source_info.h"

namespace charrnn {

void RunTogether::note(const CleanBlock& clean, const std::string& source) {
  std::string_view text = clean.block.text;
  for (const DocumentPart& part : clean.parts) {
    const std::string_view own = text.substr(0, part.bytes);
    text.remove_prefix(part.bytes);
    if (own.empty()) continue;
    if (part.begins && is_open_ && documents++ == 0) first = last_;
    is_open_ = !part.has_end && std::string_view(" \t\n\r").find(own.back()) == std::string_view::npos;
    if (is_open_ && documents == 0) last_ = document_name(source, part.line);
  }
}

}  // namespace charrnn
