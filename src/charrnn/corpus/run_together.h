// Documents that do not end with a line end, blank or corpus.document_end, and so run into the next one.
#pragma once

#include <cstdint>
#include <string>

#include "charrnn/text/clean_block.h"

namespace charrnn {

struct RunTogether {
  uint64_t documents = 0;
  std::string first;  // the name of one

  // The documents of a block, in the order of the text.
  void note(const CleanBlock& clean, const std::string& source);

 private:
  bool is_open_ = false;  // the last document with text
  std::string last_;      // its name, until there is a first
};

}  // namespace charrnn
