// No wait is without an end. What a wait is called, how long it may last, and what happens then: one line on
// the screen, abort-report-rank-R.txt in the run's folder, exit code 4. Header only where the NCCL module
// needs it, which is not linked with charrnn.
#pragma once

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "config/settings.h"
#include "core/error.h"

namespace charrnn {

struct Wait {
  std::string operation;  // "all_reduce_sum"
  int64_t sequence = 0;   // counts the calls of one communicator, from 1; equal on all ranks
  size_t bytes = 0;
  int64_t step = 0;
  double seconds = 0;  // waited so far
  std::string error;   // what the library said, where it was no time-out
};

struct WaitLimit {
  double seconds = CommSettings{}.timeout_seconds;
  std::filesystem::path report_folder;  // empty: print only
  int rank = 0;
  int size = 1;
};

// Prints and writes the report, returns. Safe in any thread; calls no MPI.
void report_lost(const WaitLimit& limit, const Wait& wait);

// Ends this process with code 4 if it is not destroyed in time: for calls that can hang and take no deadline.
class ExitGuard {
 public:
  ExitGuard(double seconds, std::string what)
      : thread_([this, seconds, what = std::move(what)] {
          std::unique_lock lock(mutex_);
          if (ended_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return done_; })) return;
          std::fprintf(stderr, "error: %s did not return within %g s: a rank or the network was lost\n",
                       what.c_str(), seconds);
          _exit(static_cast<int>(ExitCode::kLost));
        }) {}
  ~ExitGuard() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    ended_.notify_one();
    thread_.join();
  }
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace charrnn
