// JSON lines (jsonlines.org): one JSON object a line, whose text is in one of its fields. Each is a document.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace charrnn {

// One a thread.
class JsonLines {
 public:
  // `field` is the name of a member of each object, or a JSON pointer such as /meta/text.
  explicit JsonLines(std::string field);
  ~JsonLines();

  struct Document {
    std::string_view text;  // valid UTF-8
    uint64_t line;
    std::string problem;  // what is wrong with the line; then there is no text
  };
  // Calls visit for each line that is not empty; the first has the number `first_line`.
  void read(std::string_view lines, uint64_t first_line, const std::function<void(const Document&)>& visit);

 private:
  struct Parser;
  std::string field_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace charrnn
