#include "charrnn/text/transliteration.h"

#include <unicode/translit.h>

#include <string_view>

#include "charrnn/core/error.h"
#include "charrnn/text/utf8.h"

namespace charrnn {
namespace {

constexpr size_t kLongestLine = size_t{1} << 20;

}  // namespace

struct Transliteration::Transform {
  std::unique_ptr<icu::Transliterator> to_ascii;
};

Transliteration::Transliteration() : transform_(std::make_unique<Transform>()) {
  UErrorCode status = U_ZERO_ERROR;
  transform_->to_ascii.reset(
      icu::Transliterator::createInstance("Any-Latin; Latin-ASCII", UTRANS_FORWARD, status));
  check(U_SUCCESS(status) != 0 && transform_->to_ascii, "ICU has no transform Any-Latin; Latin-ASCII (",
        u_errorName(status), "): check the package libicu72");
}

Transliteration::~Transliteration() = default;

void Transliteration::apply(std::string& utf8) {
  const std::string_view text = utf8;
  if (is_ascii(text)) return;
  std::string ascii;
  ascii.reserve(text.size());
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string_view line = text.substr(begin, end - begin);
    if (is_ascii(line)) {
      ascii += line;
    } else {
      if (line.size() > kLongestLine) {
        fail_usage("expected lines of at most ", kLongestLine >> 20, " MiB to transliterate, found one of ",
                   line.size(), " bytes: break it, or set corpus.transliterate: false");
      }
      icu::UnicodeString characters =
          icu::UnicodeString::fromUTF8(icu::StringPiece(line.data(), static_cast<int32_t>(line.size())));
      transform_->to_ascii->transliterate(characters);
      characters.toUTF8String(ascii);
    }
    begin = end;
  }
  utf8 = std::move(ascii);
}

}  // namespace charrnn
