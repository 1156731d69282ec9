// From a started process to a communicator. A tool that runs under ranks has this main:
//
//   int main(int argc, char** argv) {
//     return run_ranks([&](Session& session) {
//       Settings settings;
//       agree_on_errors(session.comm(), [&] { settings = read_config(argc, argv); });    // an error prints
//       once Communicator& comm = session.connect(settings.comm, settings.run.device, settings.run.output);
//       ...
//       return ExitCode::kFinished;
//     });
//   }
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "charrnn/comm/communicator.h"
#include "charrnn/comm/place/devices.h"
#include "charrnn/config/settings.h"

namespace charrnn {

// Owns MPI where mpirun or srun started this process, else is a group of one without MPI.
class Session {
 public:
  // Install the stop handlers before: mpirun passes on signals as soon as the process exists. START_SECONDS
  // is the longest wait until connect has returned. Throws Error (usage) where a launcher started
  // several processes of which each finds itself alone, such as srun without PMIx or the mpirun of another
  // MPI.
  explicit Session(double start_seconds = CommSettings{}.start_timeout_seconds);
  // Leaves MPI, together with the other ranks. After an error on this rank alone call comm().abort(), not
  // this.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Host memory only until connect was called; from then on what it returned.
  Communicator& comm();

  // Every rank calls it, before the first tensor: agrees on devices and backend (AgreedError with a table
  // where they do not fit), sets the longest wait, and makes REPORT_FOLDER the place of the reports
  // (watchdog.h): a folder that no other start writes into. Rank 0 writes that folder's path into the file
  // named by the environment variable CHARRNN_LAUNCH_FILE, for launch/run to watch, and what reports of this
  // start have in them into the one with the ending .start.
  Communicator& connect(const CommSettings& settings, DeviceName device,
                        const std::filesystem::path& report_folder);

  // Gives reports of earlier starts in the report folder another name.
  void put_away_reports() const;

  // Rank 0 writes TEXT into the file CHARRNN_LAUNCH_FILE with this ending, for launch/run or a batch script.
  void tell_launcher(const std::string& text, const char* ending) const;

  // From connect:
  const Device& device() const;
  int threads() const;  // this rank's share of its cores
  // One line a rank: host, device and cores, for rank 0 to print; with many ranks one line a host.
  const std::string& place_table() const;

 private:
  friend int run_ranks(const std::function<ExitCode(Session&)>& body, double start_seconds);

  struct State;
  std::unique_ptr<State> state_;
};

// Runs BODY under a Session and gives the process's exit code. An AgreedError was printed already: all ranks
// leave through MPI_Finalize with its code. Any other exception is this rank's alone: it is printed with the
// rank, and all ranks are ended with its code (1 if it is not an Error) and leave their last operations in
// the report folder.
int run_ranks(const std::function<ExitCode(Session&)>& body,
              double start_seconds = CommSettings{}.start_timeout_seconds);

}  // namespace charrnn
