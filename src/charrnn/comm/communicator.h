// A group of ranks, one process each, that exchange numbers. Passed in, never global. Three kinds: solo (a
// true group of one, on the CPU or a GPU), mpi (host memory) and nccl (device memory; its host operations go
// through mpi or solo).
// Every rank makes the same calls in the same order. Spans count elements. Each call throws Error if the
// network fails; one that waits longer than comm.timeout_seconds prints the rank that is missing and ends all
// ranks with exit code 4 and a report each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "charrnn/core/error.h"

namespace charrnn {

// 16-bit floating-point numbers, as bits.
struct HalfSpan {
  enum class Type { kBf16, kFp16 };
  std::span<uint16_t> values;
  Type type = Type::kBf16;
};

class Communicator {
 public:
  Communicator() = default;
  // Inline like everything here: the NCCL module, which is not linked with charrnn, derives from this class.
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int local_rank() const = 0;  // among the ranks of this host
  virtual int local_size() const = 0;
  virtual std::string backend() const = 0;          // "solo", "mpi", "nccl"
  virtual std::string host_of(int rank) const = 0;  // the name of that rank's host

  // Whether equal work gives equal bits on the devices of all ranks. Code for CPUs is written so; GPUs of
  // different kinds add in different orders.
  virtual bool devices_are_alike() const { return true; }

  // Host memory, whatever the backend. Results are equal on all ranks, bit for bit, and repeatable.
  virtual void broadcast(std::span<std::byte> host, int root) = 0;
  virtual void all_reduce_sum(std::span<double> host) = 0;
  virtual void all_reduce_max(std::span<int64_t> host) = 0;
  // On rank 0 one entry per rank, of the length that rank gave; empty on the others.
  virtual std::vector<std::vector<std::byte>> gather(std::span<const std::byte> host) = 0;
  // `parts` is used on rank 0 only: one entry per rank, of any lengths. Returns each rank's own.
  virtual std::vector<std::byte> scatter(const std::vector<std::vector<std::byte>>& parts) = 0;
  virtual void barrier() = 0;

  // The step's small control message: a sum over host memory that runs alongside other calls until it is
  // finished, one at a time. The communicator keeps `values` until then, also if their owner fails in
  // between; a sum that nobody finished is finished before the next.
  virtual void start_control_sum(std::shared_ptr<std::vector<double>> values) = 0;
  virtual void finish_control_sum() = 0;

  // Memory of the rank's device: the host's for solo and mpi, the GPU's for nccl, where the work is queued
  // after what `stream` (a cudaStream_t) holds already and before what it gets next. `stream` is nullptr on
  // the CPU. Sums that were started are done after finish_sums, in the order of their start; their memory
  // must live until then, and no other call may be made in between. Halves are added in fp32 and rounded.
  virtual void start_sum(std::span<float> device, void* stream) = 0;
  virtual void start_sum(HalfSpan device, void* stream) = 0;
  virtual void finish_sums(void* stream) = 0;
  virtual void broadcast(std::span<float> device, int root, void* stream) = 0;
  void all_reduce_sum(std::span<float> device, void* stream) {
    start_sum(device, stream);
    finish_sums(stream);
  }

  // Waits until the device has done all that `stream` holds: under the deadline, which reading a result would
  // not be. Call it after sums, before the host reads what depends on them or does anything long; in a group
  // of one on a GPU, too. Nothing on the CPU.
  virtual void wait(void* stream) = 0;

  // Waits until `done`, under the deadline as all calls here, for an operation of this group that something
  // else carries out. `device_arrived`: this rank's device has reached it, for the message about which rank
  // is missing. Only a backend on top of this one calls it.
  virtual void wait_until(int64_t sequence, const std::function<bool()>& done,
                          const std::function<bool()>& device_arrived) = 0;

  // Tells the ranks that wait for this one that it works, so that they keep waiting. For long work between
  // calls (evaluating, sampling, files): call it often, it costs next to nothing.
  virtual void heartbeat() = 0;

  // Ends all ranks, not only this one, with the exit code of `kind`.
  [[noreturn]] virtual void abort(ErrorKind kind) = 0;

  // The current training step, for messages about waits.
  virtual void set_step(int64_t step) = 0;
};

}  // namespace charrnn
