// Documents that do not end in a line end or blank, and run into the next one: no corpus.document_end.
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
