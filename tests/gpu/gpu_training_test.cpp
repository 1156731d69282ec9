// Training on a real GPU, with the runs that CI makes on the device for tests
// (tests/train/device_training_test.cpp). Skipped without a GPU.
#include "../train/device_runs.h"
#include "charrnn/comm/session.h"
#include "charrnn/train/compute.h"

namespace charrnn {
namespace {

class GpuTraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    missing_ = find_gpus().missing;
    if (!missing_.empty()) return;
    session_ = std::make_unique<Session>();
    session_->connect({}, DeviceName::kCuda, "");
    device_ = prepare_compute(*session_, 2);  // makes LibTorch deterministic
  }
  static void TearDownTestSuite() { session_.reset(); }
  void SetUp() override {
    if (!missing_.empty()) GTEST_SKIP() << "no GPU: " << missing_;
  }
  // A GPU rounds exponentials and products differently from the CPU.
  static DeviceRuns runs() { return DeviceRuns(device_, 1e-4); }

  static std::string missing_;
  static std::unique_ptr<Session> session_;
  static at::Device device_;
};

std::string GpuTraining::missing_;
std::unique_ptr<Session> GpuTraining::session_;
at::Device GpuTraining::device_ = at::kCPU;

TEST_F(GpuTraining, RunsAreThoseOfTheCpu) {
  runs().expect_runs_of_the_cpu();
}

TEST_F(GpuTraining, SixteenBitsLearnAsThirtyTwoDo) {
  runs().expect_that_sixteen_bits_learn();
}

TEST_F(GpuTraining, CheckpointsGoBothWays) {
  runs().expect_checkpoints_both_ways();
}

TEST_F(GpuTraining, AStepThatIsNotFiniteChangesNothing) {
  runs().expect_that_a_step_of_no_number_changes_nothing();
}

}  // namespace
}  // namespace charrnn
