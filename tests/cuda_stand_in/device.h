// Imitation GPUs: streams, events and memory with CUDA's guarantees and no others. A stream is a thread that
// works off a queue with a short random pause before each piece, so work that is not ordered by an event
// happens at the wrong time. Device memory is in pages that host code cannot access.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace charrnn::stand_in {

// For undefined behaviour in CUDA, which would cause wrong numbers or a crash: prints why and ends the
// process.
[[noreturn]] void give_up(const std::string& reason);

// A thread and its work. Stops when the GPU stops; ends when it is closed and empty.
class Queue {
 public:
  Queue();
  void add(std::function<void()> piece) const;
  void wait() const;  // until all added work is done
  bool is_idle() const;
  void close() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread
};

// A position in a stream, captured by recording an event.
class Moment {
 public:
  void pass();
  void wait();
  bool is_past();

 private:
  std::mutex mutex_;
  std::condition_variable passed_;
  bool is_past_ = false;
};

// For a stream's thread: after the next piece of work, no stream of this process does anything more.
void hang_gpu_after_the_next_piece();

// Allocates memory of a device: the returned address can be neither read nor written.
void* allocate(size_t bytes);
// False if allocate did not return `pointer`.
bool release(void* pointer);
// The address at which the stand-in itself reads and writes `bytes` from `pointer` on: `pointer` itself if it
// is host memory. Gives up if that exceeds the allocation.
std::byte* reach(const void* pointer, size_t bytes);
bool is_device_memory(const void* pointer);

}  // namespace charrnn::stand_in

// CUDA's opaque types.
struct CUstream_st {
  int device = 0;
  charrnn::stand_in::Queue queue{};
};

struct CUevent_st {
  int device = 0;
  std::mutex mutex;
  std::shared_ptr<charrnn::stand_in::Moment> moment;  // of the last recording
};
