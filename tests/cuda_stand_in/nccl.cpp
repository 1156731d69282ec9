// NCCL's functions that charrnn's module uses, with memory shared by processes of one machine. The shared
// memory (Room) is an anonymous file of rank 0's process, so nothing remains even if processes are killed.
#include <cuda_runtime_api.h>
#include <fcntl.h>
#include <nccl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <thread>

#include "device.h"
#include "fault.h"

namespace {

namespace stand_in = charrnn::stand_in;

constexpr size_t kMostRanks = 16;
constexpr size_t kPieceBytes = 1u << 20;

// Describes an operation, for the ranks to compare.
struct Call {
  int64_t kind = 0;
  int64_t type = 0;
  int64_t root = 0;
  uint64_t count = 0;
  bool operator==(const Call&) const = default;
};

struct alignas(64) Seat {
  std::atomic<uint64_t> meetings = 0;  // number of meetings that its rank has reached
  int device = 0;
  std::array<char, 64> host{};  // as in NCCL_HOSTID
  Call call;
};

struct Room {
  std::array<Seat, kMostRanks> seats;
};

constexpr size_t kRoomBytes = (sizeof(Room) + 4095) / 4096 * 4096;

void nap() {
  std::this_thread::sleep_for(std::chrono::microseconds(20));
}

[[noreturn]] void sleep_for_ever() {
  for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

void add(std::span<const float> from, std::span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void add(std::span<const _Float16> from, std::span<_Float16> to) {
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = static_cast<_Float16>(static_cast<float>(to[i]) + static_cast<float>(from[i]));
  }
}

struct Bf16 {
  uint16_t bits;
};

void add(std::span<const Bf16> from, std::span<Bf16> to) {
  const auto value = [](Bf16 half) { return std::bit_cast<float>(static_cast<uint32_t>(half.bits) << 16); };
  for (size_t i = 0; i < to.size(); ++i) {
    const float sum = value(to[i]) + value(from[i]);
    auto bits = std::bit_cast<uint32_t>(sum);
    const uint32_t cut = bits & 0xffffu;
    bits >>= 16;
    if (std::isnan(sum)) {
      bits = 0x7fff;
    } else if (cut > 0x8000u || (cut == 0x8000u && bits % 2 == 1)) {
      ++bits;
    }
    to[i] = {static_cast<uint16_t>(bits)};
  }
}

template <class T>
void add_bytes(const std::byte* from, std::byte* to, size_t bytes) {
  add(std::span(reinterpret_cast<const T*>(from), bytes / sizeof(T)),
      std::span(reinterpret_cast<T*>(to), bytes / sizeof(T)));
}

std::string setting(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// One per process, as in NCCL. Never destroyed.
std::mutex& last_error_mutex = *new std::mutex;
std::string& last_error = *new std::string;

size_t size_of(ncclDataType_t type) {
  return type == ncclFloat ? 4 : 2;
}

}  // namespace

struct ncclComm {
  int rank = 0;
  int size = 0;
  int device = 0;
  ncclUniqueId id{};
  Room* room = nullptr;
  std::byte* areas = nullptr;  // kPieceBytes for each rank
  uint64_t meetings = 0;       // counted only by the stream's thread, and before that by the creating thread
  int operations = 0;

  std::mutex mutex;
  ncclResult_t state = ncclSuccess;
  std::atomic<int> under_way = 0;
  std::atomic<bool> aborted = false;

  void set(ncclResult_t next, const std::string& text) {
    const std::lock_guard lock(mutex);
    if (state != ncclSuccess) return;  // the first error is kept
    state = next;
    const std::lock_guard error_lock(last_error_mutex);
    last_error = text;
  }
  ncclResult_t get() {
    const std::lock_guard lock(mutex);
    return state;
  }

  void wait_for_abort() const {
    while (!aborted) nap();
  }

  // Waits until all ranks have arrived, or this one must stop.
  bool meet() {
    ++meetings;
    room->seats[static_cast<size_t>(rank)].meetings.store(meetings, std::memory_order_release);
    for (int other = 0; other < size; ++other) {
      while (room->seats[static_cast<size_t>(other)].meetings.load(std::memory_order_acquire) < meetings) {
        if (aborted) return false;
        nap();
      }
    }
    return true;
  }

  std::byte* area(int of_rank) const { return areas + static_cast<size_t>(of_rank) * kPieceBytes; }

  bool join() {
    const int file = open(id.internal, O_RDWR | O_CLOEXEC);
    const size_t bytes = kRoomBytes + static_cast<size_t>(size) * kPieceBytes;
    if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0) return false;
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) return false;
    room = static_cast<Room*>(memory);  // a new Room is all zeros
    areas = static_cast<std::byte*>(memory) + kRoomBytes;
    Seat& own = room->seats[static_cast<size_t>(rank)];
    own.device = device;
    std::snprintf(own.host.data(), own.host.size(), "%s", setting("NCCL_HOSTID").c_str());
    return meet();
  }

  void initialize() {
    if (stand_in::fault("init-hangs")) sleep_for_ever();
    if (stand_in::fault("init-fails")) return set(ncclSystemError, "stand-in: init-fails");
    if (!join()) return set(ncclSystemError, "stand-in: the ranks did not meet");
    const Seat& own = room->seats[static_cast<size_t>(rank)];
    for (int other = 0; other < size; ++other) {
      const Seat& seat = room->seats[static_cast<size_t>(other)];
      if (other != rank && seat.device == device && seat.host == own.host) {
        return set(ncclInvalidUsage, "stand-in: ranks " + std::to_string(rank) + " and " +
                                         std::to_string(other) + " have the same GPU");
      }
    }
  }

  // Runs on the stream's thread.
  void carry_out(int number, const Call& call, const std::byte* from, std::byte* to) {
    if (aborted) return;
    if (const auto late = stand_in::fault_at("late", number)) {
      std::this_thread::sleep_for(std::chrono::duration<double>(late->seconds));
    }
    if (stand_in::fault_at("async-error", number)) {
      set(ncclRemoteError, "stand-in: async-error");
      return wait_for_abort();
    }
    room->seats[static_cast<size_t>(rank)].call = call;
    if (!meet()) return;
    for (int other = 0; other < size; ++other) {
      if (room->seats[static_cast<size_t>(other)].call == call) continue;
      set(ncclInvalidUsage, "stand-in: ranks " + std::to_string(rank) + " and " + std::to_string(other) +
                                " call different operations");
      return wait_for_abort();
    }
    const auto type = static_cast<ncclDataType_t>(call.type);
    const size_t bytes = call.count * size_of(type);
    if (bytes == 0 && !meet())
      return;  // all ranks must have compared before a fast rank's next call overwrites this one
    for (size_t done = 0; done < bytes; done += kPieceBytes) {
      const size_t piece = std::min(kPieceBytes, bytes - done);
      std::memcpy(area(rank), from + done, piece);
      if (!meet()) return;
      std::memcpy(to + done, area(static_cast<int>(call.root)), piece);
      // In the order of the ranks, so that all have the same bits.
      for (int other = 1; call.kind == kSum && other < size; ++other) {
        if (type == ncclFloat) {
          add_bytes<float>(area(other), to + done, piece);
        } else if (type == ncclHalf) {
          add_bytes<_Float16>(area(other), to + done, piece);
        } else {
          add_bytes<Bf16>(area(other), to + done, piece);
        }
      }
      if (!meet()) return;
    }
    if (stand_in::fault_at("never-ends", number)) return wait_for_abort();
    if (stand_in::fault_at("hang", number)) stand_in::hang_gpu_after_the_next_piece();
  }

  ncclResult_t queue(const Call& call, const void* from, void* to, cudaStream_t stream) {
    if (get() != ncclSuccess || stream == nullptr || stream->device != device) return ncclInvalidUsage;
    const size_t bytes = call.count * size_of(static_cast<ncclDataType_t>(call.type));
    if (bytes > 0 && (!stand_in::is_device_memory(from) || !stand_in::is_device_memory(to))) {
      stand_in::give_up("NCCL was given memory of the host");
    }
    const std::byte* const source = stand_in::reach(from, bytes);
    std::byte* const target = stand_in::reach(to, bytes);
    const int number = ++operations;
    ++under_way;
    if (stand_in::fault_at("queue-hangs", number)) sleep_for_ever();
    stream->queue.add([this, number, call, source, target] {
      carry_out(number, call, source, target);
      --under_way;
    });
    return ncclSuccess;
  }

  static constexpr int64_t kSum = 1;
  static constexpr int64_t kBroadcast = 2;
};

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE - (stand_in::fault("version") ? 1 : 0);
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclSystemError:
      return "unhandled system error";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInvalidUsage:
      return "invalid usage";
    default:
      return "another error of the stand-in";
  }
}

const char* ncclGetLastError(ncclComm_t /*comm*/) {
  static auto& text = *new std::string;
  const std::lock_guard lock(last_error_mutex);
  text = last_error;
  return text.c_str();
}

// The id is the room's path, with which other processes of this user open it. The room ends with this
// process.
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  const int file = memfd_create("nccl_stand_in", MFD_CLOEXEC);
  if (file < 0) return ncclSystemError;
  std::snprintf(id->internal, sizeof id->internal, "/proc/%d/fd/%d", static_cast<int>(getpid()), file);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (config->blocking != 1 || static_cast<size_t>(size) > kMostRanks) return ncclInvalidArgument;
  // Otherwise, NCCL would connect the ranks in the first sum and block there.
  if (setting("NCCL_RUNTIME_CONNECT") != "0") stand_in::give_up("expected NCCL_RUNTIME_CONNECT=0");
  ncclComm* const made = new ncclComm;
  made->rank = rank;
  made->size = size;
  cudaGetDevice(&made->device);
  made->id = id;
  made->initialize();
  if (made->get() == ncclSuccess) *comm = made;
  return made->get();
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  *state = comm->get();
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  if (comm->get() != ncclSuccess) return ncclInvalidUsage;
  if (stand_in::fault("finalize-hangs")) sleep_for_ever();
  while (comm->under_way > 0) nap();
  return comm->get();
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  while (comm->under_way > 0) nap();
  munmap(comm->room, kRoomBytes + static_cast<size_t>(comm->size) * kPieceBytes);
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  if (stand_in::fault("abort-hangs")) sleep_for_ever();
  comm->aborted = true;  // not deleted, because its threads may still use it
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  if (op != ncclSum || (type != ncclFloat && type != ncclHalf && type != ncclBfloat16))
    return ncclInvalidArgument;
  return comm->queue({.kind = ncclComm::kSum, .type = type, .root = 0, .count = count}, from, to, stream);
}

ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  if (type != ncclFloat) return ncclInvalidArgument;
  return comm->queue({.kind = ncclComm::kBroadcast, .type = type, .root = root, .count = count}, from, to,
                     stream);
}

}  // extern "C"
