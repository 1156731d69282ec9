// USR1, USR2, TERM, INT, HUP (the terminal is gone) and XCPU (a limit of processor time) ask a tool to stop.
// The handlers only request a stop of one token, which the tool hands to whatever runs a loop. For a tool's
// main: a library leaves a process's signals alone.
#pragma once

#include "charrnn/core/stop_token.h"

namespace charrnn {

// The token that these signals stop. Install them before MPI_Init: the default action of these signals is to
// die. TERM, INT, HUP and XCPU stay ignored if they are, as nohup, and shells for background jobs, want it.
StopToken install_stop_handlers();

// PIPE and XFSZ: a write that nobody reads, or beyond a limit of file sizes, then gives an error and does not
// end the process. For tools whose work is worth more than what they print.
void ignore_write_signals();

}  // namespace charrnn
