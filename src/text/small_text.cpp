#include "text/small_text.h"

#include "core/atomic_file.h"
#include "text/charset.h"
#include "text/charset_decoder.h"
#include "text/source_reader.h"

namespace charrnn {

std::string read_small_text(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  ByteSurvey survey;
  survey.add(bytes);
  const Charset charset = survey.decide();
  if (charset.evidence != CharsetEvidence::kMark) return bytes;
  if (is_utf8(charset)) return bytes.substr(charset.mark_bytes);
  CharsetDecoder decoder(charset.name, InvalidBytes::kError, file.string());
  std::string text(decoder.decode(bytes));
  text += decoder.finish();
  return text;
}

}  // namespace charrnn
