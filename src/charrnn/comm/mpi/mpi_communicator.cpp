#include "charrnn/comm/mpi/mpi_communicator.h"

#include <array>

#include "charrnn/comm/mpi/bounded_wait.h"
#include "charrnn/comm/mpi/half_sum.h"
#include "charrnn/comm/mpi/mpi_calls.h"
#include "charrnn/comm/mpi/peer_status.h"
#include "charrnn/comm/mpi/sum_queue.h"
#include "charrnn/core/log.h"

namespace charrnn {
namespace {

extern "C" void charrnn_add_bf16(void* from, void* to, int* count, MPI_Datatype* /*type*/) {
  const auto length = static_cast<size_t>(*count);
  add_bf16({static_cast<const uint16_t*>(from), length}, {static_cast<uint16_t*>(to), length});
}

extern "C" void charrnn_add_fp16(void* from, void* to, int* count, MPI_Datatype* /*type*/) {
  const auto length = static_cast<size_t>(*count);
  add_fp16({static_cast<const uint16_t*>(from), length}, {static_cast<uint16_t*>(to), length});
}

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(Watchdog& watchdog) : watchdog_(watchdog), log_(watchdog.log()) {
    const AwaitedOperation start(log_, "the start of MPI", 0);
    int provided = 0;
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
    // With buckets of layers on a GPU the thread of backward starts sums, while this one waits for it.
    check(provided >= MPI_THREAD_SERIALIZED,
          "expected an MPI that threads may call one after the other (MPI_THREAD_SERIALIZED), found level ",
          provided, ": use an MPI built with thread support");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);  // duplicates inherit it
    for (MPI_Comm* comm : {&comm_, &sum_comm_, &control_comm_}) {
      check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, comm), "MPI_Comm_dup");
    }
    MPI_Comm_rank(comm_, &rank_);
    MPI_Comm_size(comm_, &size_);
    watchdog.set_rank(rank_, size_);
    MPI_Comm host = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &host),
              "MPI_Comm_split_type");
    MPI_Comm_rank(host, &local_rank_);
    MPI_Comm_size(host, &local_size_);
    int leader = rank_;
    check_mpi(MPI_Bcast(&leader, 1, MPI_INT, 0, host), "MPI_Bcast");
    MPI_Comm_free(&host);
    check_mpi(MPI_Op_create(charrnn_add_bf16, 1, &add_bf16_), "MPI_Op_create");
    check_mpi(MPI_Op_create(charrnn_add_fp16, 1, &add_fp16_), "MPI_Op_create");
    peers_ = std::make_unique<PeerStatus>(MPI_COMM_WORLD, rank_, size_, leader);
    wait_ = std::make_unique<BoundedWait>(watchdog_, *peers_, rank_);
    sums_ = std::make_unique<SumQueue>(sum_comm_);
  }

  ~MpiCommunicator() override {
    watchdog_.set_leaving();
    const AwaitedOperation end(log_, "the end of MPI", 0);
    try {  // inside of MPI_Finalize a rank could not send its status to a late one
      finish_control_sum();
      run(end, [&](MPI_Request* request) { return MPI_Ibarrier(comm_, request); });
    } catch (const Error& error) {
      log::error(error.what());
    }
    peers_.reset();
    MPI_Op_free(&add_bf16_);
    MPI_Op_free(&add_fp16_);
    for (MPI_Comm* comm : {&comm_, &sum_comm_, &control_comm_}) MPI_Comm_free(comm);
    MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }
  int local_size() const override { return local_size_; }
  std::string backend() const override { return "mpi"; }
  std::string host_of(int rank) const override { return peers_->host_of(rank); }

  void broadcast(std::span<std::byte> host, int root) override {
    const AwaitedOperation operation(log_, "broadcast", host.size_bytes());
    for (const auto piece : pieces_of(host)) {
      run(operation, [&](MPI_Request* request) {
        return MPI_Ibcast(piece.data(), count_of(piece), MPI_BYTE, root, comm_, request);
      });
    }
  }
  void all_reduce_sum(std::span<double> host) override {
    all_reduce("all_reduce_sum", host, MPI_DOUBLE, MPI_SUM);
  }
  void all_reduce_max(std::span<int64_t> host) override {
    all_reduce("all_reduce_max", host, MPI_INT64_T, MPI_MAX);
  }

  void start_control_sum(std::shared_ptr<std::vector<double>> values) override {
    finish_control_sum();
    control_values_ = std::move(values);
    const std::span<double> host(*control_values_);
    check(host.size_bytes() <= kPieceBytes, "expected a small control message, found ", host.size_bytes(),
          " bytes");
    control_sequence_ = log_.start("control_sum", host.size_bytes());
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, host.data(), count_of(host), MPI_DOUBLE, MPI_SUM, control_comm_,
                             &control_),
              "control_sum");
  }
  void finish_control_sum() override {
    if (control_ == MPI_REQUEST_NULL) return;
    const AwaitedOperation awaited(log_, control_sequence_);
    wait_for(control_sequence_, control_);
  }

  void start_sum(std::span<float> device, void* /*stream*/) override {
    start_pieces(device, MPI_FLOAT, MPI_SUM);
  }
  void start_sum(HalfSpan device, void* /*stream*/) override {
    start_pieces(device.values, MPI_UINT16_T, device.type == HalfSpan::Type::kBf16 ? add_bf16_ : add_fp16_);
  }
  void finish_sums(void* /*stream*/) override {
    while (!sums_->is_empty()) {
      const int64_t sequence = sums_->first_sequence();
      const AwaitedOperation awaited(log_, sequence);
      wait_->until(sequence, [&] {
        advance_sums();
        return sums_->is_empty() || sums_->first_sequence() != sequence;
      });
    }
  }
  void broadcast(std::span<float> device, int root, void* /*stream*/) override {
    broadcast(std::as_writable_bytes(device), root);
  }
  void wait(void* /*stream*/) override {}
  void wait_until(int64_t sequence, const std::function<bool()>& done,
                  const std::function<bool()>& device_arrived) override {
    wait_->until(sequence, done, device_arrived);
  }

  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> host) override {
    const AwaitedOperation operation(log_, "gather", host.size_bytes());
    const auto mine = static_cast<int64_t>(host.size());
    std::vector<int64_t> lengths(rank_ == 0 ? static_cast<size_t>(size_) : 0);
    run(operation, [&](MPI_Request* request) {
      return MPI_Igather(&mine, 1, MPI_INT64_T, lengths.data(), 1, MPI_INT64_T, 0, comm_, request);
    });
    if (rank_ != 0) {
      send(operation, host, 0);
      return {};
    }
    std::vector<std::vector<std::byte>> parts(lengths.size());
    parts[0].assign(host.begin(), host.end());
    for (size_t other = 1; other < parts.size(); ++other) {
      parts[other].resize(static_cast<size_t>(lengths[other]));
      receive(operation, parts[other], static_cast<int>(other));
    }
    return parts;
  }

  std::vector<std::byte> scatter(const std::vector<std::vector<std::byte>>& parts) override {
    check(rank_ != 0 || parts.size() == static_cast<size_t>(size_), "expected ", size_,
          " parts to scatter, found ", parts.size());
    std::vector<int64_t> lengths;
    size_t bytes = 0;
    for (const auto& part : parts) {
      lengths.push_back(static_cast<int64_t>(part.size()));
      bytes += part.size();
    }
    int64_t mine = 0;
    const AwaitedOperation operation(log_, "scatter", bytes);
    run(operation, [&](MPI_Request* request) {
      return MPI_Iscatter(lengths.data(), 1, MPI_INT64_T, &mine, 1, MPI_INT64_T, 0, comm_, request);
    });
    if (rank_ == 0) {
      for (size_t other = 1; other < parts.size(); ++other)
        send(operation, parts[other], static_cast<int>(other));
      return parts[0];
    }
    std::vector<std::byte> part(static_cast<size_t>(mine));
    receive(operation, part, 0);
    return part;
  }

  void barrier() override {
    const AwaitedOperation operation(log_, "barrier", 0);
    run(operation, [&](MPI_Request* request) { return MPI_Ibarrier(comm_, request); });
  }

  void heartbeat() override { peers_->send_heartbeat(); }

  [[noreturn]] void abort(ErrorKind kind) override { abort_all_ranks(log_, kind); }

  void set_step(int64_t step) override { log_.set_step(step); }

 private:
  template <class T>
  void all_reduce(const char* name, std::span<T> host, MPI_Datatype type, MPI_Op op) {
    const AwaitedOperation operation(log_, name, host.size_bytes());
    for (const auto piece : pieces_of(host)) {
      run(operation, [&](MPI_Request* request) {
        return MPI_Iallreduce(MPI_IN_PLACE, piece.data(), count_of(piece), type, op, comm_, request);
      });
    }
  }

  template <class T>
  void start_pieces(std::span<T> device, MPI_Datatype type, MPI_Op op) {
    const int64_t sequence = log_.start("all_reduce_sum", device.size_bytes());
    if (device.empty()) log_.end(sequence);
    for (size_t left = device.size(); const auto piece : pieces_of(device)) {
      left -= piece.size();
      sums_->add(std::as_writable_bytes(piece), count_of(piece), type, op, sequence, left == 0);
    }
    advance_sums();
  }

  void advance_sums() {
    for (const int64_t sequence : sums_->advance()) log_.end(sequence);
  }

  void send(const AwaitedOperation& operation, std::span<const std::byte> bytes, int to) {
    for (const auto piece : pieces_of(bytes)) {
      run(operation, [&](MPI_Request* request) {
        return MPI_Isend(piece.data(), count_of(piece), MPI_BYTE, to, 0, comm_, request);
      });
    }
  }

  void receive(const AwaitedOperation& operation, std::span<std::byte> bytes, int from) {
    for (const auto piece : pieces_of(bytes)) {
      run(operation, [&](MPI_Request* request) {
        return MPI_Irecv(piece.data(), count_of(piece), MPI_BYTE, from, 0, comm_, request);
      });
    }
  }

  template <class Start>
  void run(const AwaitedOperation& operation, const Start& start) {
    MPI_Request request = MPI_REQUEST_NULL;
    log_.await(operation.sequence());  // again for each piece
    check_operation(start(&request), operation.sequence());
    wait_for(operation.sequence(), request);
  }

  void check_operation(int code, int64_t sequence) {
    if (code != MPI_SUCCESS) check_mpi(code, log_[sequence].name.c_str());
  }

  void wait_for(int64_t sequence, MPI_Request& request) {
    wait_->until(sequence, [&] {
      int done = 0;
      check_operation(MPI_Test(&request, &done, MPI_STATUS_IGNORE), sequence);
      return done != 0;
    });
  }

  Watchdog& watchdog_;
  OperationLog& log_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  MPI_Comm sum_comm_ = MPI_COMM_NULL;      // for sums that run alongside other operations
  MPI_Comm control_comm_ = MPI_COMM_NULL;  // for the control message, as well
  MPI_Op add_bf16_ = MPI_OP_NULL;
  MPI_Op add_fp16_ = MPI_OP_NULL;
  int rank_ = 0;
  int size_ = 1;
  int local_rank_ = 0;
  int local_size_ = 1;
  std::unique_ptr<PeerStatus> peers_;
  std::unique_ptr<BoundedWait> wait_;
  std::unique_ptr<SumQueue> sums_;
  MPI_Request control_ = MPI_REQUEST_NULL;
  std::shared_ptr<std::vector<double>> control_values_;  // MPI writes into them until control_ is finished
  int64_t control_sequence_ = 0;
};

}  // namespace

std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check_mpi(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  const std::string version = text.data();
  return version.substr(0, version.find(','));
}

std::unique_ptr<Communicator> make_mpi_communicator(Watchdog& watchdog) {
  return std::make_unique<MpiCommunicator>(watchdog);
}

}  // namespace charrnn
