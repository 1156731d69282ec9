#include "charrnn/core/stop_signal.h"

#include <csignal>
#include <cstring>

namespace charrnn {
namespace {

volatile std::sig_atomic_t received_signal = 0;

void remember(int signal) {
  received_signal = signal;
}

}  // namespace

void install_stop_handlers() {
  struct sigaction action = {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;  // a read that was under way continues
  sigemptyset(&action.sa_mask);
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP, SIGXCPU}) {
    struct sigaction before = {};
    const bool may_stay_ignored = signal != SIGUSR1 && signal != SIGUSR2;
    if (may_stay_ignored && sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN)
      continue;
    sigaction(signal, &action, nullptr);
    sigaddset(&handled, signal);
  }
  // launch/run and slurm/ start tools with these blocked (env --block-signal): one that arrives before main
  // waits until here.
  pthread_sigmask(SIG_UNBLOCK, &handled, nullptr);
}

void ignore_write_signals() {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGPIPE, SIGXFSZ}) sigaction(signal, &action, nullptr);
}

int stop_signal() {
  return received_signal;
}

std::string signal_name(int signal) {
  return std::string("SIG") + sigabbrev_np(signal);
}

}  // namespace charrnn
