#include "charrnn/core/stop_signal.h"

#include <csignal>

namespace charrnn {
namespace {

StopSource source;

void request_stop(int signal) {
  source.request_stop(signal);
}

}  // namespace

StopToken install_stop_handlers() {
  struct sigaction action = {};
  action.sa_handler = request_stop;
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
  return source.token();
}

void ignore_write_signals() {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGPIPE, SIGXFSZ}) sigaction(signal, &action, nullptr);
}

}  // namespace charrnn
