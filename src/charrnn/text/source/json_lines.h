// JSON lines (jsonlines.org): each line is a JSON object and a document, whose text is in one of its fields.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "charrnn/config/corpus_settings.h"

namespace charrnn {

// Not shared by threads: each has its own.
class JsonLines {
 public:
  // `field` is the name of a member of each object, or a JSON pointer such as /meta/text. An escape of half a
  // surrogate pair in it (\ud83d alone) is treated like malformed bytes.
  explicit JsonLines(std::string field, InvalidBytes invalid = InvalidBytes::kError);
  ~JsonLines();

  struct Document {
    std::string_view text;  // valid UTF-8
    uint64_t line;
    uint64_t invalid = 0;  // halves of surrogate pairs, replaced or dropped
    std::string problem;   // what is wrong with the line; then the text is empty
  };
  // Calls visit for each line that is not empty; lines are numbered from `first_line`.
  void read(std::string_view lines, uint64_t first_line, const std::function<void(const Document&)>& visit);

 private:
  struct Parser;
  void read_line(std::string_view line, Document& document);
  void read_repaired(std::string_view line, Document& document);

  std::string field_;
  InvalidBytes invalid_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace charrnn
