// Standard output of a run: a status that is updated in place on a terminal, or printed line by line
// elsewhere, and messages that stay.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "charrnn/config/settings.h"

namespace charrnn {

class Screen {
 public:
  // The status is live if `choice` is live, or auto and standard output is a terminal. Under mpirun every
  // rank's output is a terminal, wherever it is forwarded to, so there mpirun's own output is examined.
  Screen(ProgressDisplay choice, bool speaks);

  // On a terminal the first of `lines` that fits replaces the last status; elsewhere the first is printed.
  void status(const std::vector<std::string>& lines);
  void message(const std::string& text);  // stays; ends with a line end
  void end_status();                      // keeps the last status on the screen
  bool wants_refresh() const;             // a live status that is older than half a second

  // Why standard output could not be written, returned once; otherwise empty. The run continues: a pipe's
  // reader may exit, or the disk of a log fill up.
  std::string take_failure();

 private:
  void print(const std::string& text);

  bool speaks_;
  bool live_;
  bool status_shown_ = false;
  bool has_failed_ = false;
  bool is_stuck_ = false;  // the reader accepted nothing the last time
  std::string failure_;
  std::chrono::steady_clock::time_point last_status_{};
};

}  // namespace charrnn
