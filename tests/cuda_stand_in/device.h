// GPUs that are not there: streams, events and memory as CUDA promises them and not better. A stream is a
// thread that works off a queue and pauses a little, at random, before each piece: what no event holds back
// happens at the wrong time. Device memory lies in pages that host code cannot touch.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace charrnn::stand_in {

// For what is undefined in CUDA and ends in a wrong number or a crash there: prints why and ends the process.
[[noreturn]] void give_up(const std::string& reason);

// A thread and its work. Stops when the GPU does; leaves when it was closed and is empty.
class Queue {
 public:
  Queue();
  void add(std::function<void()> piece) const;
  void wait() const;  // until all that was added is done
  bool is_idle() const;
  void close() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread
};

// A place in a stream, captured by recording an event.
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

// For a stream's thread: once the piece after this one is done, no stream of this process does anything more.
void hang_gpu_after_the_next_piece();

// Memory of a device: the address for the caller cannot be read or written.
void* allocate(size_t bytes);
// False if `pointer` is not what allocate returned.
bool release(void* pointer);
// The address at which the stand-in itself reads and writes `bytes` from `pointer` on: the same if it is the
// host's memory. Gives up if that exceeds what was allocated.
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
  std::shared_ptr<charrnn::stand_in::Moment> moment;  // of the last record
};
