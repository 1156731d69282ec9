// USR1, USR2, TERM, INT, HUP (the terminal is gone) and XCPU (a limit of processor time) ask a run to stop
// after the current step. The handlers only set a flag; whoever runs a loop reads it between steps. Install
// them before MPI_Init: the default action of these signals is to die.
#pragma once

#include <string>

namespace charrnn {

// TERM, INT, HUP and XCPU stay ignored if they are, as nohup, and shells for background jobs, want it.
void install_stop_handlers();

// PIPE and XFSZ: a write that nobody reads, or beyond a limit of file sizes, then gives an error and does not
// end the process. For tools whose work is worth more than what they print.
void ignore_write_signals();

// The signal that came last, 0 if none did.
int stop_signal();

std::string signal_name(int signal);

}  // namespace charrnn
