#include "charrnn/text/source/charset.h"

#include "charrnn/core/error.h"
#include "charrnn/text/source/charset_names.h"

namespace charrnn {

Charset given_charset(const std::string& name) {
  const std::string known = declared_charset_name(name);
  if (known.empty()) {
    fail_usage("corpus.encoding, or the encoding of a source: expected the name of a charset, found '", name,
               "': did you mean ", near_charset_names(name),
               "? `iconv -l` and https://www.iana.org/assignments/character-sets list the names");
  }
  return {known, CharsetEvidence::kGiven};
}

}  // namespace charrnn
