#include "charrnn/comm/launcher.h"

#include <array>
#include <cstdlib>
#include <initializer_list>

#include "charrnn/core/atomic_file.h"
#include "charrnn/core/environment.h"
#include "charrnn/core/log.h"

namespace charrnn {
namespace {

constexpr const char* kMpirunSize = "OMPI_COMM_WORLD_SIZE";

// The variables in which launchers pass the number of processes and the rank. SLURM_NTASKS is not among them,
// because a batch script's shell has it too. WORLD_SIZE counts only with RANK: some users export it for other
// programs.
constexpr std::array<std::array<const char*, 2>, 8> kLauncherSizes{
    {{kMpirunSize, "OMPI_COMM_WORLD_RANK"},
     {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
     {"PMI_SIZE", "PMI_RANK"},
     {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"},
     {"PALS_SIZE", "PALS_RANKID"},
     {"FLUX_JOB_SIZE", "FLUX_TASK_RANK"},
     {"JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK"},
     {"WORLD_SIZE", "RANK"}}};

bool is_zero_or_absent(std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    if (const auto value = environment_variable(name)) return *value == "0";
  }
  return true;
}

}  // namespace

bool started_by_mpi() {
  return started_by_mpirun() || environment_variable("PMIX_RANK");
}

bool started_by_mpirun() {
  return environment_variable(kMpirunSize).has_value();
}

bool is_first_of_host() {
  return is_zero_or_absent({"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"});
}

bool is_first_of_job() {
  return is_zero_or_absent({"OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "PMI_RANK", "RANK"});
}

void refuse_lone_ranks(int size, const std::function<std::string()>& mpi_library) {
  if (size > 1) return;
  for (const auto& [size_name, rank_name] : kLauncherSizes) {
    const auto started = environment_variable(size_name);
    const auto rank = environment_variable(rank_name);
    if (!started || !rank) continue;
    // NOLINTNEXTLINE(bugprone-unchecked-string-to-number-conversion): what is not a number is 0
    if (std::atoi(started->c_str()) <= 1) {
      if (size_name == kMpirunSize) return;  // mpirun -np 1, perhaps within a step of Slurm
      continue;
    }
    fail_usage(
        "expected to be rank ", *rank, " of ", *started, " (", rank_name, " and ", size_name,
        "), found no way to reach the others",
        started_by_mpi()
            ? concat(": MPI found only this process, so the launcher belongs to another MPI than ",
                     mpi_library(), ", which charrnn uses")
            : ": the launcher was srun without PMIx, the mpiexec of another MPI, or one that starts no MPI "
              "ranks, such as torchrun",
        ". Start with launch/run, that MPI's mpirun or srun --mpi=pmix; to run this process alone, unset ",
        size_name);
  }
}

void write_launch_file(const std::string& text, const char* ending) {
  const auto file = environment_variable("CHARRNN_LAUNCH_FILE");
  if (!file) return;
  try {
    write_file_atomically(*file + ending, text + "\n");
  } catch (const Error& error) {
    log::warning(concat("CHARRNN_LAUNCH_FILE: ", error.what(), ". launch/run cannot watch this run"));
  }
}

}  // namespace charrnn
