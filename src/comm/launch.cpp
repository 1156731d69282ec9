#include "comm/launch.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string_view>

#include "comm/agreement.h"
#include "comm/cores.h"
#include "comm/mpi_communicator.h"
#include "comm/nccl_backend.h"
#include "comm/solo.h"
#include "comm/wait_limit.h"
#include "core/atomic_file.h"
#include "core/log.h"
#include "core/stop_signal.h"
#include "core/tool_main.h"

namespace charrnn {
namespace {

std::optional<std::string> environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

bool started_by_mpi() {
  return environment("OMPI_COMM_WORLD_SIZE") || environment("PMIX_RANK");
}

// A launcher that meant several processes, each of which would be a group of one and train by itself.
// SLURM_NTASKS says nothing: a batch script's shell has it too.
void refuse_lonely_ranks() {
  for (const char* const name : {"SLURM_STEP_NUM_TASKS", "PMI_SIZE"}) {
    const auto value = environment(name);
    if (!value || std::atoi(value->c_str()) <= 1) continue;
    fail_usage(
        "expected to be one of ", *value, " ranks (", name, "), found no way to reach the others (PMIX_RANK ",
        "is not set): the launcher was srun without PMIx, or the mpiexec of another MPI. Start with srun ",
        "--mpi=pmix, launch/run or OpenMPI's mpirun");
  }
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

// What a rank tells the others about its place, as one line of text.
struct RankPlace {
  RankDevices devices;
  RankCores cores;
};

constexpr char kFieldEnd = '\x1f';

template <class T>
std::string join(const std::vector<T>& items) {
  std::ostringstream out;
  for (const T& item : items) out << item << ',';
  return out.str();
}

std::vector<std::string> split(const std::string& text, char end) {
  std::vector<std::string> items;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, end);) items.push_back(item);
  return items;
}

std::vector<int> numbers(const std::string& text) {
  std::vector<int> values;
  for (const std::string& item : split(text, ',')) values.push_back(std::stoi(item));
  return values;
}

std::string pack(const RankPlace& place) {
  std::string text;
  for (const std::string& field :
       {place.devices.host, std::to_string(static_cast<int>(place.devices.device)),
        std::to_string(static_cast<int>(place.devices.backend)), join(place.devices.gpus.uuids),
        place.devices.gpus.missing, join(place.cores.cores), join(place.cores.available)}) {
    text += field + kFieldEnd;
  }
  return text;
}

RankPlace unpack(const std::string& text) {
  const auto fields = split(text, kFieldEnd);
  check(fields.size() == 7, "expected 7 fields about a rank, found ", fields.size(),
        ": all ranks must run the same charrnn");
  RankPlace place;
  place.devices.host = place.cores.host = fields[0];
  place.devices.device = static_cast<DeviceName>(std::stoi(fields[1]));
  place.devices.backend = static_cast<Backend>(std::stoi(fields[2]));
  place.devices.gpus.uuids = split(fields[3], ',');
  place.devices.gpus.missing = fields[4];
  place.cores.cores = numbers(fields[5]);
  place.cores.available = numbers(fields[6]);
  return place;
}

RankPlace look_around(const CommSettings& settings, DeviceName device) {
  RankPlace place;
  place.devices.host = place.cores.host = host_name();
  place.devices.device = device;
  place.devices.backend = settings.backend;
  if (device != DeviceName::kCpu) place.devices.gpus = find_gpus();
  place.cores.cores = usable_cores();
  // mpirun binds its children, not itself; Slurm gives a task what was asked for.
  if (environment("OMPI_COMM_WORLD_SIZE")) place.cores.available = usable_cores(getppid());
  return place;
}

// Reports of an earlier start would look like ones of this start: they get another name.
void prepare_reports(const std::filesystem::path& folder, int ranks) {
  for (int rank = 0; rank < ranks; ++rank) {
    const std::string name = concat("abort-report-rank-", rank, ".txt");
    if (std::filesystem::exists(folder / name))
      std::filesystem::rename(folder / name, folder / ("earlier-" + name));
  }
  if (const auto file = environment("CHARRNN_LAUNCH_FILE")) {
    write_file_atomically(*file, std::filesystem::absolute(folder).string() + "\n");
  }
}

}  // namespace

struct Session::State {
  WaitLimit limit;
  std::unique_ptr<Communicator> host;  // MPI or solo
  std::unique_ptr<Communicator>
      device;  // NCCL, or solo on a GPU; else none, and host serves. Ends before host.
  Device chosen;
  int threads = 1;
};

Session::Session() : state_(std::make_unique<State>()) {
  if (started_by_mpi()) {
    state_->host = make_mpi_communicator(state_->limit);
  } else {
    refuse_lonely_ranks();
    state_->host = make_solo_communicator();
  }
  log::set_rank(state_->host->rank(), state_->host->size());
}

Session::~Session() = default;

Communicator& Session::comm() {
  return state_->device ? *state_->device : *state_->host;
}

Communicator& Session::choose_backend(const CommSettings& settings, DeviceName device,
                                      const std::filesystem::path& report_folder) {
  Communicator& host = *state_->host;
  state_->limit.seconds = settings.timeout_seconds;
  state_->limit.report_folder = report_folder;
  together(host, [&] {
    if (host.rank() == 0 && !report_folder.empty()) prepare_reports(report_folder, host.size());
  });

  std::vector<RankDevices> devices;
  std::vector<RankCores> cores;
  Backend backend = Backend::kAuto;
  const RankPlace mine = look_around(settings, device);
  const std::vector<std::string> places = all_gather_text(host, pack(mine));
  together(host, [&] {
    for (const std::string& text : places) {
      const RankPlace place = unpack(text);
      devices.push_back(place.devices);
      cores.push_back(place.cores);
    }
    state_->chosen = choose_devices(devices).at(static_cast<size_t>(host.rank()));
    backend = charrnn::choose_backend(settings.backend, state_->chosen.cuda, devices.size(),
                                      host.backend() == "mpi");
  });

  state_->threads = thread_share(cores, host.rank());
  if (host.local_rank() == 0) {
    const std::string idle = binding_warning(cores, host.rank());
    if (!idle.empty()) log::warning(idle);
    if (!mine.devices.gpus.uuids.empty() && !mine.devices.gpus.usable()) {
      log::warning(concat("a GPU is there and not used: ", mine.devices.gpus.missing));
    }
  }

  if (backend == Backend::kNccl) {
    together(host, [] { check_versions(nccl_versions()); });
    together(host,
             [&] { state_->device = make_nccl_communicator(host, state_->chosen.index, state_->limit); });
  } else if (backend == Backend::kSolo && host.backend() != "solo") {
    state_->device = make_solo_communicator();
  }
  return comm();
}

const Device& Session::device() const {
  return state_->chosen;
}

int Session::threads() const {
  return state_->threads;
}

int run_ranks(const std::function<ExitCode(Session&)>& body) {
  install_stop_handlers();
  std::unique_ptr<Session> session;
  try {
    session = std::make_unique<Session>();
  } catch (const Error& error) {
    // Where Slurm started several, one of them speaks.
    if (environment("SLURM_PROCID").value_or("0") == "0") log::error(error.what());
    return static_cast<int>(error.code());
  }
  const auto fail_alone = [&](const std::string& message, ExitCode code) {
    log::error(message);
    if (session->comm().size() > 1) session->comm().abort(code);
    return static_cast<int>(code);
  };
  try {
    return static_cast<int>(body(*session));
  } catch (const AgreedError& error) {
    return static_cast<int>(error.code());
  } catch (const Error& error) {
    return fail_alone(error.what(), error.code());
  } catch (const std::exception& error) {
    return fail_alone(reason_of(error), ExitCode::kError);
  }
}

}  // namespace charrnn
