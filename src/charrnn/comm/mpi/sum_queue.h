// Sums long buffers over the ranks, piece by piece, in the order in which they were started, which is the
// same on all ranks. MPI backend only.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "charrnn/comm/mpi/mpi_calls.h"

namespace charrnn {

class SumQueue {
 public:
  explicit SumQueue(MPI_Comm comm) : comm_(comm) {}

  void add(std::span<std::byte> piece, int count, MPI_Datatype type, MPI_Op op, int64_t sequence,
           bool is_last) {
    waiting_.push_back({piece.data(), count, type, op, sequence, is_last});
    while (under_way_.size() < kUnderWay && !waiting_.empty()) begin_next();
  }
  // Removes pieces that are done and starts the next. Returns the sequence numbers of completed buffers.
  std::vector<int64_t> advance() {
    std::vector<int64_t> complete;
    while (!under_way_.empty()) {
      int done = 0;
      check_mpi(MPI_Test(&under_way_.front().request, &done, MPI_STATUS_IGNORE), "all_reduce_sum");
      if (done == 0) break;
      if (under_way_.front().piece.is_last) complete.push_back(under_way_.front().piece.sequence);
      under_way_.pop_front();
      if (!waiting_.empty()) begin_next();
    }
    return complete;
  }
  bool is_empty() const { return under_way_.empty(); }
  int64_t first_sequence() const { return under_way_.front().piece.sequence; }

 private:
  // Pieces that are summed at the same time.
  static constexpr size_t kUnderWay = 2;

  struct Piece {
    void* data;
    int count;
    MPI_Datatype type;
    MPI_Op op;
    int64_t sequence;
    bool is_last;
  };
  struct UnderWay {
    Piece piece;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  void begin_next() {
    UnderWay& next = under_way_.emplace_back(UnderWay{waiting_.front()});
    waiting_.pop_front();
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, next.piece.data, next.piece.count, next.piece.type, next.piece.op,
                             comm_, &next.request),
              "all_reduce_sum");
  }

  MPI_Comm comm_;
  std::deque<Piece> waiting_;
  std::deque<UnderWay> under_way_;
};

}  // namespace charrnn
