#include "device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <thread>

namespace charrnn::stand_in {
namespace {

constexpr int kLongestPauseMicroseconds = 400;

std::atomic<bool> gpu_hangs = false;
thread_local int pieces_until_hang = -1;

// Different on each rank and in each queue, the same in each run; CHARRNN_STAND_IN_SEED is the seed.
std::mt19937 next_generator() {
  static std::atomic<unsigned> queues = 0;
  const auto number = [](const char* name) {
    const char* const value = std::getenv(name);
    return static_cast<unsigned>(value == nullptr ? 0 : std::atoi(value));
  };
  return std::mt19937(number("CHARRNN_STAND_IN_SEED") * 1'000'000 + number("OMPI_COMM_WORLD_RANK") * 1000 +
                      queues++);
}

struct Allocation {
  size_t bytes = 0;
  size_t mapped = 0;
  std::byte* alias = nullptr;
};

// Never destroyed, because streams use it until the process ends.
std::mutex& memory_mutex = *new std::mutex;
std::map<uintptr_t, Allocation>& allocations = *new std::map<uintptr_t, Allocation>;

uintptr_t number_of(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

// The allocation whose pages contain `pointer`. The caller must hold the lock.
std::map<uintptr_t, Allocation>::iterator find(const void* pointer) {
  auto next = allocations.upper_bound(number_of(pointer));
  if (next == allocations.begin()) return allocations.end();
  --next;
  return number_of(pointer) < next->first + next->second.mapped ? next : allocations.end();
}

}  // namespace

void give_up(const std::string& reason) {
  std::fprintf(stderr, "cuda_stand_in: %s\n", reason.c_str());
  std::abort();
}

struct Queue::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> pieces;
  bool is_busy = false;
  bool is_closed = false;
};

Queue::Queue() : state_(std::make_shared<State>()) {
  std::thread([state = state_, generator = next_generator()]() mutable {
    std::unique_lock lock(state->mutex);
    for (;;) {
      state->changed.wait(lock, [&] { return !state->pieces.empty() || state->is_closed; });
      if (state->pieces.empty()) return;
      const auto piece = std::move(state->pieces.front());
      state->pieces.pop_front();
      state->is_busy = true;
      lock.unlock();
      std::uniform_int_distribution pause(0, kLongestPauseMicroseconds);
      std::this_thread::sleep_for(std::chrono::microseconds(pause(generator)));
      while (gpu_hangs) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      piece();
      if (pieces_until_hang > 0 && --pieces_until_hang == 0) gpu_hangs = true;
      lock.lock();
      state->is_busy = false;
    }
  }).detach();
}

void Queue::add(std::function<void()> piece) const {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->is_closed) give_up("work for a stream that was destroyed");
    state_->pieces.push_back(std::move(piece));
  }
  state_->changed.notify_one();
}

void Queue::wait() const {
  const auto end = std::make_shared<Moment>();
  add([end] { end->pass(); });
  end->wait();
}

bool Queue::is_idle() const {
  const std::lock_guard lock(state_->mutex);
  return state_->pieces.empty() && !state_->is_busy;
}

void Queue::close() const {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_closed = true;
  }
  state_->changed.notify_one();
}

void Moment::pass() {
  {
    const std::lock_guard lock(mutex_);
    is_past_ = true;
  }
  passed_.notify_all();
}

void Moment::wait() {
  std::unique_lock lock(mutex_);
  passed_.wait(lock, [this] { return is_past_; });
}

bool Moment::is_past() {
  const std::lock_guard lock(mutex_);
  return is_past_;
}

void hang_gpu_after_the_next_piece() {
  pieces_until_hang = 2;
}

void* allocate(size_t bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  Allocation made{.bytes = bytes, .mapped = (bytes + page - 1) / page * page};
  const int file = memfd_create("cuda_stand_in", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(made.mapped)) != 0) return nullptr;
  void* const given = mmap(nullptr, made.mapped, PROT_NONE, MAP_SHARED, file, 0);
  void* const alias = mmap(nullptr, made.mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (given == MAP_FAILED || alias == MAP_FAILED) return nullptr;
  made.alias = static_cast<std::byte*>(alias);
  const std::lock_guard lock(memory_mutex);
  allocations[number_of(given)] = made;
  return given;
}

bool release(void* pointer) {
  const std::lock_guard lock(memory_mutex);
  const auto found = find(pointer);
  if (found == allocations.end() || found->first != number_of(pointer)) return false;
  munmap(pointer, found->second.mapped);
  munmap(found->second.alias, found->second.mapped);
  allocations.erase(found);
  return true;
}

std::byte* reach(const void* pointer, size_t bytes) {
  const std::lock_guard lock(memory_mutex);
  const auto found = find(pointer);
  if (found == allocations.end()) return static_cast<std::byte*>(const_cast<void*>(pointer));
  const size_t offset = number_of(pointer) - found->first;
  if (offset + bytes > found->second.bytes) {
    give_up("access to " + std::to_string(bytes) + " bytes at place " + std::to_string(offset) + " of " +
            std::to_string(found->second.bytes) + " allocated");
  }
  return found->second.alias + offset;
}

bool is_device_memory(const void* pointer) {
  const std::lock_guard lock(memory_mutex);
  return find(pointer) != allocations.end();
}

}  // namespace charrnn::stand_in
