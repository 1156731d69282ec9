// A group of ranks, one process each, that exchange numbers. Passed in, never global. Three kinds: solo (a
// true group of one), mpi (host memory) and nccl (device memory; its host operations go through mpi or solo).
// Every rank makes the same calls in the same order. Spans count elements. Each call throws Error where the
// network fails; one that waits longer than comm.timeout_seconds ends all ranks with exit code 4 and a
// report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"

namespace charrnn {

class Communicator {
 public:
  Communicator() = default;
  // Inline like all else here: the NCCL module, which is not linked with charrnn, derives from this class.
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int local_rank() const = 0;  // among the ranks of this host
  virtual int local_size() const = 0;
  virtual std::string backend() const = 0;  // "solo", "mpi", "nccl"

  // Host memory, whatever the backend. Results are equal on all ranks, bit for bit, and repeatable.
  virtual void broadcast(std::span<std::byte> host, int root) = 0;
  virtual void all_reduce_sum(std::span<double> host) = 0;
  virtual void all_reduce_max(std::span<int64_t> host) = 0;
  // On rank 0 one entry per rank, of the length that rank gave; empty on the others.
  virtual std::vector<std::vector<std::byte>> gather(std::span<const std::byte> host) = 0;
  // PARTS counts on rank 0 only: one entry per rank, of any lengths. Gives each rank its own.
  virtual std::vector<std::byte> scatter(const std::vector<std::vector<std::byte>>& parts) = 0;
  virtual void barrier() = 0;

  // Memory of the rank's device: the host's for solo and mpi, the GPU's for nccl, where the work is queued
  // after what STREAM (a cudaStream_t) holds already and before what it gets next. STREAM is nullptr on the
  // CPU.
  virtual void all_reduce_sum(std::span<float> device, void* stream) = 0;
  virtual void broadcast(std::span<float> device, int root, void* stream) = 0;

  // Ends all ranks, not only this one.
  [[noreturn]] virtual void abort(ExitCode code) = 0;

  // The training step under way, for messages about waits.
  virtual void set_step(int64_t step) = 0;
};

}  // namespace charrnn
