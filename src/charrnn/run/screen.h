// Standard output as a run uses it: a status that is rewritten on a terminal, or printed line by line
// elsewhere, and messages that stay.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "charrnn/config/settings.h"

namespace charrnn {

class Screen {
 public:
  // Live where `choice` says so or, with auto, where standard output is a terminal. Under mpirun it is one
  // for every rank whatever happens to the output, so there mpirun's own is looked at.
  Screen(ProgressDisplay choice, bool speaks);

  // The longest of the lines that fits replaces the last status on a terminal; elsewhere the first is
  // printed.
  void status(const std::vector<std::string>& lines);
  void message(const std::string& text);  // stays; ends with a line end
  void end_status();                      // keeps the last status on the screen
  bool wants_refresh() const;             // a live status that is older than half a second

  // Why standard output could not be written, once; empty before and after. Nobody is lost with it: the
  // reader of a pipe may leave, a log's disk fill up.
  std::string take_failure();

 private:
  void print(const std::string& text);

  bool speaks_;
  bool live_;
  bool status_shown_ = false;
  bool has_failed_ = false;
  bool is_stuck_ = false;  // its reader took nothing, the last time
  std::string failure_;
  std::chrono::steady_clock::time_point last_status_{};
};

}  // namespace charrnn
