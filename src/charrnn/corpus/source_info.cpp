#include "charrnn/corpus/source_info.h"

#include "charrnn/core/error.h"

namespace charrnn {

SourceInfo source_info(const Source& source, const Examined& examined) {
  SourceInfo info;
  info.name = source.name;
  info.bytes = source.bytes;
  info.hash = source.hash.empty() ? examined.hash : source.hash;
  info.charset = examined.facts.charset;
  info.cuts_refused = examined.facts.cuts_refused;
  info.problem = examined.problem;
  return info;
}

void SourceInfo::note(const CleanBlock& clean) {
  for (const DocumentPart& part : clean.parts) documents += part.begins ? 1 : 0;
  counts.add(clean.counts);
  if (lines_left_out == 0) first_line_left_out = clean.problem;
  lines_left_out += clean.lines_left_out;
}

std::string document_name(const std::string& source, uint64_t line) {
  return line == 0 ? source : concat(source, ":", line);
}

}  // namespace charrnn
