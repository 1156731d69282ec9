#include "comm/mpi_communicator.h"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace charrnn {
namespace {

// Long buffers go in pieces that the cache holds: 100 MB between two ranks of a host took 30 ms with this
// size, 45 ms with 8 MiB, 96 ms with 16 MiB (OpenMPI 4.1.4, non-blocking). And an MPI count is an int.
constexpr size_t kPieceBytes = 2u << 20;
// A wait spins at first, for a sum takes microseconds; later it leaves the core to others.
constexpr double kSpinSeconds = 0.05;
constexpr auto kNap = std::chrono::microseconds(100);
// What a hanging MPI_Abort or report gets before the process ends by itself.
constexpr double kAbortSeconds = 5;

// The one place where MPI's return codes become Error.
void check_mpi(int code, const char* operation) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "unknown error";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(concat("MPI failed in ", operation, ": ", text,
                     ". A rank or the network was lost; start again from the "
                     "last checkpoint"),
              ExitCode::kLost);
}

template <class T>
int count_of(std::span<T> piece) {
  return static_cast<int>(piece.size());  // a piece has at most kPieceBytes elements
}

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(WaitLimit& limit) : limit_(limit) {
    const ExitGuard guard(limit.seconds, "the start of MPI");
    int provided = 0;
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    check(provided >= MPI_THREAD_FUNNELED,
          "expected an MPI that allows threads beside the one that calls it "
          "(MPI_THREAD_FUNNELED), found level ",
          provided, ": use an MPI built with thread support");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);  // duplicates inherit it
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
    MPI_Comm host = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &host),
              "MPI_Comm_split_type");
    MPI_Comm_rank(host, &local_rank_);
    MPI_Comm_size(host, &local_size_);
    MPI_Comm_free(&host);
    limit.rank = rank_;
    limit.size = size_;
  }

  ~MpiCommunicator() override {
    const ExitGuard guard(limit_.seconds, "the end of MPI");
    MPI_Comm_free(&comm_);
    MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }
  int local_size() const override { return local_size_; }
  std::string backend() const override { return "mpi"; }

  void broadcast(std::span<std::byte> host, int root) override {
    begin("broadcast", host.size_bytes());
    for_pieces(host, [&](auto piece, MPI_Request* request) {
      return MPI_Ibcast(piece.data(), count_of(piece), MPI_BYTE, root, comm_, request);
    });
  }
  void all_reduce_sum(std::span<double> host) override {
    all_reduce("all_reduce_sum", host, MPI_DOUBLE, MPI_SUM);
  }
  void all_reduce_max(std::span<int64_t> host) override {
    all_reduce("all_reduce_max", host, MPI_INT64_T, MPI_MAX);
  }
  void all_reduce_sum(std::span<float> device, void* /*stream*/) override {
    all_reduce("all_reduce_sum", device, MPI_FLOAT, MPI_SUM);
  }
  void broadcast(std::span<float> device, int root, void* /*stream*/) override {
    broadcast(std::as_writable_bytes(device), root);
  }

  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> host) override {
    begin("gather", host.size_bytes());
    const auto mine = static_cast<int64_t>(host.size());
    std::vector<int64_t> lengths(rank_ == 0 ? static_cast<size_t>(size_) : 0);
    run([&](MPI_Request* request) {
      return MPI_Igather(&mine, 1, MPI_INT64_T, lengths.data(), 1, MPI_INT64_T, 0, comm_, request);
    });
    if (rank_ != 0) {
      send(host, 0);
      return {};
    }
    std::vector<std::vector<std::byte>> parts(lengths.size());
    parts[0].assign(host.begin(), host.end());
    for (size_t other = 1; other < parts.size(); ++other) {
      parts[other].resize(static_cast<size_t>(lengths[other]));
      receive(parts[other], static_cast<int>(other));
    }
    return parts;
  }

  std::vector<std::byte> scatter(const std::vector<std::vector<std::byte>>& parts) override {
    check(rank_ != 0 || parts.size() == static_cast<size_t>(size_), "expected ", size_,
          " parts to scatter, found ", parts.size());
    std::vector<int64_t> lengths;
    for (const auto& part : parts) lengths.push_back(static_cast<int64_t>(part.size()));
    int64_t mine = 0;
    begin("scatter", sizeof mine);
    run([&](MPI_Request* request) {
      return MPI_Iscatter(lengths.data(), 1, MPI_INT64_T, &mine, 1, MPI_INT64_T, 0, comm_, request);
    });
    current_.bytes = static_cast<size_t>(mine);
    if (rank_ == 0) {
      for (size_t other = 1; other < parts.size(); ++other) send(parts[other], static_cast<int>(other));
      return parts[0];
    }
    std::vector<std::byte> part(static_cast<size_t>(mine));
    receive(part, 0);
    return part;
  }

  void barrier() override {
    begin("barrier", 0);
    run([&](MPI_Request* request) { return MPI_Ibarrier(comm_, request); });
  }

  [[noreturn]] void abort(ExitCode code) override {
    std::fflush(nullptr);
    const ExitGuard guard(kAbortSeconds, "MPI_Abort");
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
    _exit(static_cast<int>(code));
  }

  void set_step(int64_t step) override { current_.step = step; }

 private:
  void begin(const char* operation, size_t bytes) {
    current_.operation = operation;
    current_.bytes = bytes;
    ++current_.sequence;
  }

  template <class T>
  void all_reduce(const char* operation, std::span<T> host, MPI_Datatype type, MPI_Op op) {
    begin(operation, host.size_bytes());
    for_pieces(host, [&](auto piece, MPI_Request* request) {
      return MPI_Iallreduce(MPI_IN_PLACE, piece.data(), count_of(piece), type, op, comm_, request);
    });
  }

  void send(std::span<const std::byte> bytes, int to) {
    for_pieces(bytes, [&](auto piece, MPI_Request* request) {
      return MPI_Isend(piece.data(), count_of(piece), MPI_BYTE, to, 0, comm_, request);
    });
  }

  void receive(std::span<std::byte> bytes, int from) {
    for_pieces(bytes, [&](auto piece, MPI_Request* request) {
      return MPI_Irecv(piece.data(), count_of(piece), MPI_BYTE, from, 0, comm_, request);
    });
  }

  // Starts an operation for each piece in turn and waits for it.
  template <class T, class Start>
  void for_pieces(std::span<T> all, const Start& start) {
    constexpr size_t kElements = kPieceBytes / sizeof(T);
    for (size_t done = 0; done < all.size(); done += kElements) {
      const auto piece = all.subspan(done, std::min(kElements, all.size() - done));
      run([&](MPI_Request* request) { return start(piece, request); });
    }
  }

  template <class Start>
  void run(const Start& start) {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(start(&request), current_.operation.c_str());
    wait(request);
  }

  // Non-blocking operations move only inside MPI calls, so this keeps calling.
  void wait(MPI_Request& request) {
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    for (;;) {
      int done = 0;
      check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), current_.operation.c_str());
      if (done != 0) return;
      current_.seconds = std::chrono::duration<double>(Clock::now() - began).count();
      if (current_.seconds > limit_.seconds) give_up();
      if (current_.seconds < kSpinSeconds) {
        sched_yield();
      } else {
        std::this_thread::sleep_for(kNap);
      }
    }
  }

  [[noreturn]] void give_up() {
    {
      const ExitGuard guard(kAbortSeconds, "writing the abort report");
      report_lost(limit_, current_);
    }
    abort(ExitCode::kLost);
  }

  WaitLimit& limit_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
  int local_rank_ = 0;
  int local_size_ = 1;
  Wait current_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator(WaitLimit& limit) {
  return std::make_unique<MpiCommunicator>(limit);
}

}  // namespace charrnn
