#include "charrnn/comm/session.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iomanip>
#include <optional>
#include <random>
#include <sstream>
#include <string_view>

#include "charrnn/comm/agreement.h"
#include "charrnn/comm/mpi/mpi_communicator.h"
#include "charrnn/comm/nccl/nccl_backend.h"
#include "charrnn/comm/place/cores.h"
#include "charrnn/comm/slow_start.h"
#include "charrnn/comm/solo.h"
#include "charrnn/comm/watchdog.h"
#include "charrnn/core/atomic_file.h"
#include "charrnn/core/log.h"
#include "charrnn/core/stop_signal.h"
#include "charrnn/core/text_table.h"
#include "charrnn/core/tool_main.h"

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

// What launchers call the number of processes that they started. SLURM_NTASKS is not one: a batch script's
// shell has it too. WORLD_SIZE counts only with RANK: people export it for other programs.
constexpr std::array<std::array<const char*, 2>, 8> kLauncherSizes{
    {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
     {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
     {"PMI_SIZE", "PMI_RANK"},
     {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"},
     {"PALS_SIZE", "PALS_RANKID"},
     {"FLUX_JOB_SIZE", "FLUX_TASK_RANK"},
     {"JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK"},
     {"WORLD_SIZE", "RANK"}}};

// A launcher that started several processes, each of which is a group of one and would train by itself.
void refuse_lonely_ranks(const Communicator& host) {
  if (host.size() > 1) return;
  for (const auto& [size_name, rank_name] : kLauncherSizes) {
    const auto size = environment(size_name);
    const auto rank = environment(rank_name);
    if (!size || !rank) continue;
    if (std::atoi(size->c_str()) <= 1) {
      if (size_name == kLauncherSizes[0][0]) return;  // mpirun -np 1, perhaps within a step of Slurm
      continue;
    }
    fail_usage(
        "expected to be rank ", *rank, " of ", *size, " (", rank_name, " and ", size_name,
        "), found no way to reach the others",
        started_by_mpi()
            ? concat(": MPI found this process alone, so the launcher belongs to another MPI than ",
                     mpi_library(), ", which charrnn uses")
            : ": the launcher was srun without PMIx, the mpiexec of another MPI, or one that starts no MPI "
              "ranks, such as torchrun",
        ". Start with launch/run, that MPI's mpirun or srun --mpi=pmix; to run this process alone, unset ",
        size_name);
  }
}

// What a rank tells the others about its place, as one line of text.
struct RankPlace {
  RankDevices devices;
  RankCores cores;
};

constexpr char kFieldEnd = '\x1f';
constexpr char kPartEnd = '\x1e';  // of a field

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

std::string pack(const std::vector<Gpu>& gpus) {
  std::string text;
  for (const Gpu& gpu : gpus) {
    for (const std::string& part :
         {gpu.uuid, gpu.kind, std::to_string(gpu.major), std::to_string(gpu.minor)}) {
      text += part + kPartEnd;
    }
  }
  return text;
}

std::vector<Gpu> unpack_gpus(const std::string& text) {
  const auto parts = split(text, kPartEnd);
  std::vector<Gpu> gpus;
  for (size_t i = 0; i + 3 < parts.size(); i += 4) {
    gpus.push_back({parts[i], parts[i + 1], std::stoi(parts[i + 2]), std::stoi(parts[i + 3])});
  }
  return gpus;
}

std::string pack(const RankPlace& place) {
  std::string text;
  for (const std::string& field :
       {place.devices.host, std::to_string(static_cast<int>(place.devices.device)),
        std::to_string(static_cast<int>(place.devices.backend)), pack(place.devices.gpus.gpus),
        place.devices.gpus.missing, std::string(place.devices.may_share ? "1" : "0"), join(place.cores.cores),
        join(place.cores.available), concat(place.cores.quota.value_or(0))}) {
    text += field + kFieldEnd;
  }
  return text;
}

RankPlace unpack(const std::string& text) {
  const auto fields = split(text, kFieldEnd);
  check(fields.size() == 9, "expected 9 fields about a rank, found ", fields.size(),
        ": all ranks must run the same charrnn");
  RankPlace place;
  place.devices.host = place.cores.host = fields[0];
  place.devices.device = static_cast<DeviceName>(std::stoi(fields[1]));
  place.devices.backend = static_cast<Backend>(std::stoi(fields[2]));
  place.devices.gpus.gpus = unpack_gpus(fields[3]);
  place.devices.gpus.missing = fields[4];
  place.devices.may_share = fields[5] == "1";
  place.cores.cores = numbers(fields[6]);
  place.cores.available = numbers(fields[7]);
  if (const double quota = std::stod(fields[8]); quota > 0) place.cores.quota = quota;
  return place;
}

RankPlace look_around(const CommSettings& settings, DeviceName device, const Communicator& host) {
  RankPlace place;
  place.devices.host = place.cores.host = host.host_of(host.rank());
  place.devices.device = device;
  place.devices.backend = settings.backend;
  if (device != DeviceName::kCpu) place.devices.gpus = find_gpus();
  place.devices.may_share = environment("CHARRNN_SHARE_GPU") == "1";
  place.cores.cores = usable_cores();
  place.cores.quota = core_quota();
  // mpirun binds its children, not itself; Slurm gives a task what was asked for.
  if (environment("OMPI_COMM_WORLD_SIZE")) place.cores.available = usable_cores(getppid());
  return place;
}

// 16 hexadecimal digits.
std::string random_name() {
  std::random_device device;
  std::ostringstream name;
  for (int part = 0; part < 2; ++part) name << std::hex << std::setw(8) << std::setfill('0') << device();
  return name.str();
}

std::string describe_places(const std::vector<RankCores>& cores, const std::vector<Device>& devices) {
  constexpr size_t kMostRanks = 32;
  std::vector<std::vector<std::string>> rows{{"rank", "host", "device", "cores"}};
  for (size_t first = 0; first < cores.size();) {
    size_t end = first + 1;
    while (cores.size() > kMostRanks && end < cores.size() && cores[end].host == cores[first].host) ++end;
    const std::string ranks = end == first + 1 ? concat(first) : concat(first, "-", end - 1);
    const std::string device = end == first + 1      ? to_string(devices[first])
                               : devices[first].cuda ? "cuda"
                                                     : "cpu";
    const bool is_bound = cores[first].cores.size() < cores[first].available.size();
    rows.push_back({ranks, cores[first].host, device,
                    core_list(cores[first].cores) + (is_bound ? " (bound)" : "") +
                        (cores[first].quota ? concat(" (time of ", *cores[first].quota, " cores)") : "")});
    first = end;
  }
  return text_table(rows);
}

}  // namespace

struct Session::State {
  Watchdog watchdog;                     // first: it watches the others from their start to their end
  std::unique_ptr<Communicator> host;    // MPI or solo
  std::unique_ptr<Communicator> device;  // NCCL, or a group of one on a GPU; else host serves. Ends first.
  Device chosen;
  int threads = 1;
  std::string place_table;
  std::filesystem::path report_folder;
  std::string start;  // what this start's reports have in them
};

Session::Session(double start_seconds) : state_(std::make_unique<State>()) {
  state_->watchdog.set_start_limit(start_seconds);
  state_->host = started_by_mpi() ? make_mpi_communicator(state_->watchdog) : make_solo_communicator();
  refuse_lonely_ranks(*state_->host);
  log::set_rank(state_->host->rank(), state_->host->size());
}

Session::~Session() = default;

Communicator& Session::comm() {
  return state_->device ? *state_->device : *state_->host;
}

Communicator& Session::connect(const CommSettings& settings, DeviceName device,
                               const std::filesystem::path& report_folder) {
  Communicator& host = *state_->host;
  state_->watchdog.set_start_limit(settings.start_timeout_seconds);
  state_->start = broadcast_text(host, host.rank() == 0 ? random_name() : "");
  state_->report_folder = report_folder;
  if (!report_folder.empty()) {
    tell_launcher(state_->start, ".start");
    tell_launcher(std::filesystem::absolute(report_folder).string(), "");
  }
  state_->watchdog.set_limit(settings.timeout_seconds, report_folder, state_->start);

  std::vector<RankDevices> devices;
  std::vector<Device> chosen;
  std::vector<RankCores> cores;
  Backend backend = Backend::kAuto;
  const RankPlace mine = look_around(settings, device, host);
  const std::vector<std::string> places = all_gather_text(host, pack(mine));
  agree_on_errors(host, [&] {
    for (const std::string& text : places) {
      const RankPlace place = unpack(text);
      devices.push_back(place.devices);
      cores.push_back(place.cores);
    }
    chosen = choose_devices(devices);
    state_->chosen = chosen.at(static_cast<size_t>(host.rank()));
    backend = charrnn::choose_backend(settings.backend, state_->chosen.cuda, devices.size(),
                                      host.backend() == "mpi");
  });

  state_->place_table = describe_places(cores, chosen);
  state_->threads = thread_share(cores, host.rank());
  if (host.local_rank() == 0) {
    const std::string idle = binding_warning(cores, host.rank());
    if (!idle.empty()) log::warning(idle);
    if (!mine.devices.gpus.gpus.empty() && !mine.devices.gpus.usable()) {
      log::warning(concat("a GPU is there and not used: ", mine.devices.gpus.missing));
    }
  }

  if (backend == Backend::kNccl) {
    agree_on_errors(host, [] { check_versions(nccl_versions()); });
    // Not agree_on_errors(): a rank that fails here leaves the others in the middle of joining, and ends
    // them.
    state_->device = make_nccl_communicator(host, state_->chosen.index, are_alike(chosen), state_->watchdog);
  } else if (state_->chosen.cuda) {
    state_->device = make_one_gpu_communicator(host, state_->chosen.index, state_->watchdog);
  } else if (backend == Backend::kSolo && host.backend() != "solo") {
    state_->device = make_solo_communicator();
  }
  state_->watchdog.set_started();
  return comm();
}

void Session::put_away_reports() const {
  const bool has_folder = !state_->report_folder.empty() && std::filesystem::exists(state_->report_folder);
  if (state_->host->rank() == 0 && has_folder) {
    charrnn::put_away_reports(state_->report_folder, state_->start);
  }
}

void Session::tell_launcher(const std::string& text, const char* ending) const {
  const auto file = environment("CHARRNN_LAUNCH_FILE");
  if (!file || state_->host->rank() != 0) return;
  try {
    write_file_atomically(*file + ending, text + "\n");
  } catch (const Error& error) {
    log::warning(concat("CHARRNN_LAUNCH_FILE: ", error.what(), ". launch/run cannot watch this run"));
  }
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

int run_ranks(const std::function<ExitCode(Session&)>& body, double start_seconds) {
  open_standard_streams();
  install_stop_handlers();
  std::unique_ptr<Session> session;
  try {
    session = std::make_unique<Session>(start_seconds);
  } catch (const Error& error) {
    if (speaks_for_job()) log::error(error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {  // such as no more threads: ulimit -u
    log::error(concat("cannot start: ", reason_of(error)));
    return static_cast<int>(ExitCode::kError);
  }
  const auto fail_alone = [&](const std::string& message, ExitCode code) {
    log::error(message);
    if (session->comm().size() > 1) {
      session->state_->watchdog.write_report(code, message);
      session->comm().abort(code);
    }
    return static_cast<int>(code);
  };
  try {
    const ExitCode code = body(*session);
    // slurm/common.sh gets another code where srun killed a rank that took a moment longer to leave.
    if (code == ExitCode::kSaved) session->tell_launcher("saved", ".saved");
    return static_cast<int>(code);
  } catch (const AgreedError& error) {
    return static_cast<int>(error.code());
  } catch (const Error& error) {
    return fail_alone(error.what(), error.code());
  } catch (const std::exception& error) {
    return fail_alone(reason_of(error), ExitCode::kError);
  }
}

}  // namespace charrnn
