#include "charrnn/comm/session.h"

#include <iomanip>
#include <random>
#include <sstream>

#include "charrnn/comm/agreement.h"
#include "charrnn/comm/launcher.h"
#include "charrnn/comm/mpi/mpi_communicator.h"
#include "charrnn/comm/nccl/nccl_backend.h"
#include "charrnn/comm/place/rank_place.h"
#include "charrnn/comm/rank_report.h"
#include "charrnn/comm/solo.h"
#include "charrnn/comm/text_exchange.h"
#include "charrnn/comm/watchdog.h"
#include "charrnn/core/exception_reason.h"
#include "charrnn/core/log.h"
#include "charrnn/core/stop_signal.h"
#include "charrnn/core/tool_main.h"

namespace charrnn {
namespace {

// 16 hexadecimal digits.
std::string random_name() {
  std::random_device device;
  std::ostringstream name;
  for (int part = 0; part < 2; ++part) name << std::hex << std::setw(8) << std::setfill('0') << device();
  return name.str();
}

void warn_about(const RankPlace& mine, const std::vector<RankCores>& all, int rank) {
  const std::string binding = binding_warning(all, rank);
  if (!binding.empty()) log::warning(binding);
  const VisibleGpus& gpus = mine.devices.gpus;
  if (!gpus.gpus.empty() && !gpus.usable()) {
    log::warning(concat("a GPU is there and not used: ", gpus.missing));
  }
}

}  // namespace

struct Session::State {
  explicit State(StopToken asked) : stop(asked), watchdog(asked) {}

  StopToken stop;
  Watchdog watchdog;                     // before the others: it watches them from their start to their end
  std::unique_ptr<Communicator> host;    // MPI or solo
  std::unique_ptr<Communicator> device;  // NCCL, or a group of one on a GPU; else host serves. Ends first.
  Device chosen;
  int threads = 1;
  std::string place_table;
  std::filesystem::path report_folder;
  std::string start;  // the name of this start, which its reports contain
};

Session::Session(StopToken stop, double start_seconds) : state_(std::make_unique<State>(stop)) {
  state_->watchdog.set_start_limit(start_seconds);
  state_->host = started_by_mpi() ? make_mpi_communicator(state_->watchdog) : make_solo_communicator();
  refuse_lone_ranks(state_->host->size(), mpi_library);
  log::set_rank(state_->host->rank(), state_->host->size());
}

Session::~Session() = default;

StopToken Session::stop() const {
  return state_->stop;
}

Communicator& Session::comm() {
  return state_->device ? *state_->device : *state_->host;
}

Communicator& Session::connect(const CommSettings& settings, DeviceName device,
                               const std::filesystem::path& report_folder) {
  Communicator& host = *state_->host;
  state_->watchdog.set_start_limit(settings.start_timeout_seconds);
  announce_start(settings.timeout_seconds, report_folder);

  const RankPlace mine = find_rank_place(host.host_of(host.rank()), device, settings.backend);
  const std::vector<std::string> places = all_gather_text(host, to_bytes(mine));
  std::vector<RankDevices> devices;
  std::vector<RankCores> cores;
  std::vector<Device> chosen;
  Backend backend = Backend::kAuto;
  agree_on_errors(host, [&] {
    for (const std::string& bytes : places) {
      const RankPlace place = rank_place_of(bytes);
      devices.push_back(place.devices);
      cores.push_back(place.cores);
    }
    chosen = choose_devices(devices);
    state_->chosen = chosen.at(static_cast<size_t>(host.rank()));
    backend = choose_backend(settings.backend, state_->chosen.cuda, devices.size(), host.backend() == "mpi");
  });

  state_->place_table = charrnn::place_table(cores, chosen);
  state_->threads = thread_share(cores, host.rank());
  if (host.local_rank() == 0) warn_about(mine, cores, host.rank());
  state_->device = make_device_communicator(backend, are_alike(chosen));
  state_->watchdog.set_started();
  return comm();
}

void Session::announce_start(double timeout_seconds, const std::filesystem::path& report_folder) {
  Communicator& host = *state_->host;
  state_->start = broadcast_text(host, host.rank() == 0 ? random_name() : "");
  state_->report_folder = report_folder;
  if (!report_folder.empty()) {
    tell_launcher(state_->start, ".start");
    tell_launcher(std::filesystem::absolute(report_folder).string(), "");
  }
  state_->watchdog.set_limit(timeout_seconds, report_folder, state_->start);
}

// Nothing if the host's communicator serves.
std::unique_ptr<Communicator> Session::make_device_communicator(Backend backend, bool devices_are_alike) {
  Communicator& host = *state_->host;
  if (backend == Backend::kNccl) {
    agree_on_errors(host, [] { check_versions(nccl_versions()); });
    // Not in agree_on_errors(): a rank that fails here leaves the others in the middle of joining, and ends
    // them.
    return make_nccl_communicator(host, state_->chosen.index, devices_are_alike, state_->watchdog);
  }
  if (state_->chosen.cuda) return make_one_gpu_communicator(host, state_->chosen.index, state_->watchdog);
  if (backend == Backend::kSolo && host.backend() != "solo") return make_solo_communicator();
  return nullptr;
}

void Session::put_away_reports() const {
  const bool has_folder = !state_->report_folder.empty() && std::filesystem::exists(state_->report_folder);
  if (state_->host->rank() == 0 && has_folder) {
    charrnn::put_away_reports(state_->report_folder, state_->start);
  }
}

void Session::tell_launcher(const std::string& text, const char* ending) const {
  if (state_->host->rank() == 0) write_launch_file(text, ending);
}

const Device& Session::device() const {
  return state_->chosen;
}

int Session::threads() const {
  return state_->threads;
}

const std::string& Session::place_table() const {
  return state_->place_table;
}

ErrorKind Session::fail_alone(const std::exception& problem) {
  const std::string message = exception_reason(problem);
  const ErrorKind kind = error_kind_of(problem);
  log::error(message);
  if (comm().size() > 1) {
    state_->watchdog.write_report(kind, message);
    comm().abort(kind);
  }
  return kind;
}

int run_ranks(const std::function<ExitCode(Session&)>& body, double start_seconds) {
  open_standard_streams();
  const StopToken stop = install_stop_handlers();
  std::unique_ptr<Session> session;
  try {
    session = std::make_unique<Session>(stop, start_seconds);
  } catch (const Error& error) {
    if (is_first_of_job()) log::error(error.what());
    return static_cast<int>(exit_code_of(error.kind()));
  } catch (const std::exception& problem) {  // such as no more threads: ulimit -u
    log::error(concat("cannot start: ", exception_reason(problem)));
    return static_cast<int>(ExitCode::kError);
  }
  ExitCode code = ExitCode::kError;
  try {
    code = body(*session);
    // slurm/common.sh gets another code if srun killed a rank that took a moment longer to leave.
    if (code == ExitCode::kSaved) session->tell_launcher("saved", ".saved");
  } catch (const AgreedError& error) {
    code = exit_code_of(error.kind());
  } catch (const std::exception& problem) {
    code = exit_code_of(session->fail_alone(problem));
  }
  return static_cast<int>(code);
}

}  // namespace charrnn
