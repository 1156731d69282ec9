// From a started process to a communicator. A tool that runs under ranks has this main:
//
//   int main(int argc, char** argv) {
//     return run_ranks([&](Session& session) {
//       Settings settings;
//       agree_on_errors(session.comm(), [&] { settings = read_config(argc, argv); });
//       Communicator& comm = session.connect(settings.comm, settings.run.device, settings.run.output);
//       ...
//       return ExitCode::kFinished;
//     });
//   }
#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "charrnn/comm/communicator.h"
#include "charrnn/comm/place/devices.h"
#include "charrnn/config/comm_settings.h"
#include "charrnn/config/run_settings.h"
#include "charrnn/core/exit_code.h"
#include "charrnn/core/stop_token.h"

namespace charrnn {

// Owns MPI if mpirun or srun started this process, else is a group of one without MPI.
class Session {
 public:
  // `stop`: see stop(). A process that mpirun starts gets signals as soon as it exists: install handlers
  // before. `start_seconds` is the longest wait until connect has returned. Throws Error (usage) if a
  // launcher started several processes of which each finds itself alone, such as srun without PMIx or the
  // mpirun of another MPI.
  explicit Session(StopToken stop = {}, double start_seconds = CommSettings{}.start_timeout_seconds);
  // Leaves MPI, together with the other ranks. After an error on this rank alone call comm().abort() instead.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // For whatever runs a loop; under run_ranks, the signals that ask to stop. SIGTERM also warns a rank that
  // waits for others that one of them may be gone.
  StopToken stop() const;

  // Host memory only until connect was called; from then on what it returned.
  Communicator& comm();

  // Every rank calls it, before the first tensor: agrees on devices and backend (AgreedError with a table if
  // they do not fit), sets the longest wait, and makes `report_folder` the place of the reports
  // (rank_report.h): a folder that no other start writes into. Rank 0 writes its path into the launch file
  // (launcher.h), and the name of this start, which its reports contain, into the launch file with the ending
  // .start.
  Communicator& connect(const CommSettings& settings, DeviceName device,
                        const std::filesystem::path& report_folder);

  // Renames reports of earlier starts in the report folder.
  void put_away_reports() const;

  // Rank 0 writes `text` into the launch file with this ending, for launch/run or a batch script.
  void tell_launcher(const std::string& text, const char* ending) const;

  // From connect:
  const Device& device() const;
  int threads() const;  // this rank's share of its cores
  // One line a rank: host, device and cores, for rank 0 to print; with many ranks one line a host.
  const std::string& place_table() const;

 private:
  friend int run_ranks(const std::function<ExitCode(Session&)>& body, double start_seconds);

  void announce_start(double timeout_seconds, const std::filesystem::path& report_folder);
  std::unique_ptr<Communicator> make_device_communicator(Backend backend, bool devices_are_alike);
  ErrorKind fail_alone(const std::exception& problem);

  struct State;
  std::unique_ptr<State> state_;
};

// For a tool's main: installs the stop handlers (core/stop_signal.h), runs `body` under a Session and returns
// the process's exit code. An AgreedError was printed already: all ranks leave through MPI_Finalize with its
// code. Any other exception is this rank's alone: it is printed with the rank, and all ranks are ended with
// the code of its kind (1 if it is not an Error) and leave their last operations in the report folder.
int run_ranks(const std::function<ExitCode(Session&)>& body,
              double start_seconds = CommSettings{}.start_timeout_seconds);

}  // namespace charrnn
