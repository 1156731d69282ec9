#include "charrnn/text/source/small_text.h"

#include "charrnn/core/atomic_file.h"
#include "charrnn/text/source/byte_survey.h"
#include "charrnn/text/source/charset_decoder.h"

namespace charrnn {

std::string read_small_text(const std::filesystem::path& file) {
  std::string bytes = read_file(file);
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
