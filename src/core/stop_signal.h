// USR1, USR2, TERM and INT ask a run to stop after the step it is in. The handlers only set a flag; whoever
// runs a loop reads it between steps. Install them before MPI_Init: the default action of these signals is to
// die.
#pragma once

#include <string>

namespace charrnn {

void install_stop_handlers();

// The signal that came last, 0 if none did.
int stop_signal();

std::string signal_name(int signal);

}  // namespace charrnn
