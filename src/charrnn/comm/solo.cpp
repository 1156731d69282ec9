#include "charrnn/comm/solo.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "charrnn/core/clock.h"
#include "charrnn/core/exit_code.h"
#include "charrnn/core/host_name.h"

namespace charrnn {
namespace {

// A wait spins at first, as a step takes milliseconds; later it leaves the core to other threads.
constexpr double kSpinSeconds = 0.05;
constexpr auto kNap = std::chrono::microseconds(100);

void check_root(int root) {
  check(root == 0, "expected root 0 in a group of one, found ", root);
}

class SoloCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  int local_rank() const override { return 0; }
  int local_size() const override { return 1; }
  std::string backend() const override { return "solo"; }
  std::string host_of(int /*rank*/) const override { return host_name(); }

  void broadcast(std::span<std::byte> /*host*/, int root) override { check_root(root); }
  void all_reduce_sum(std::span<double> /*host*/) override {}
  void all_reduce_max(std::span<int64_t> /*host*/) override {}
  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> host) override {
    return {{host.begin(), host.end()}};
  }
  std::vector<std::byte> scatter(const std::vector<std::vector<std::byte>>& parts) override {
    check(parts.size() == 1, "expected 1 part to scatter to a group of one, found ", parts.size());
    return parts[0];
  }
  void barrier() override {}

  void start_control_sum(std::shared_ptr<std::vector<double>> /*values*/) override {}
  void finish_control_sum() override {}

  void start_sum(std::span<float> /*device*/, void* /*stream*/) override {}
  void start_sum(HalfSpan /*device*/, void* /*stream*/) override {}
  void finish_sums(void* /*stream*/) override {}
  void broadcast(std::span<float> /*device*/, int root, void* /*stream*/) override { check_root(root); }
  void wait(void* /*stream*/) override {}
  void wait_until(int64_t /*sequence*/, const std::function<bool()>& done,
                  const std::function<bool()>& /*device_arrived*/) override {
    const auto began = Clock::now();  // the watchdog sets the end
    while (!done()) {
      if (seconds_since(began) < kSpinSeconds) {
        std::this_thread::yield();
      } else {
        std::this_thread::sleep_for(kNap);
      }
    }
  }

  void heartbeat() override {}

  [[noreturn]] void abort(ErrorKind kind) override {
    std::fflush(nullptr);
    std::_Exit(static_cast<int>(exit_code_of(kind)));
  }
  void set_step(int64_t /*step*/) override {}
};

}  // namespace

std::unique_ptr<Communicator> make_solo_communicator() {
  return std::make_unique<SoloCommunicator>();
}

}  // namespace charrnn
