// Properties of the stand-in that other tests rely on.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace {

// Streams of two devices, and memory, for one test.
class StandIn : public testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    for (cudaStream_t* const stream : {&first_, &second_}) {
      ASSERT_EQ(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), cudaSuccess);
    }
    ASSERT_EQ(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), cudaSuccess);
    ASSERT_EQ(cudaMalloc(&memory_, kBytes), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(cudaFree(memory_), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(event_), cudaSuccess);
    for (cudaStream_t const stream : {first_, second_}) EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  }

  static void pause(cudaStream_t stream) {
    const auto sleep = [](void*) { std::this_thread::sleep_for(std::chrono::milliseconds(50)); };
    ASSERT_EQ(cudaLaunchHostFunc(stream, sleep, nullptr), cudaSuccess);
  }
  void fill(cudaStream_t stream, int value) const {
    ASSERT_EQ(cudaMemsetAsync(memory_, value, kBytes, stream), cudaSuccess);
  }
  // The last byte, read in the order of `stream`.
  int read(cudaStream_t stream) const {
    char value = 0;
    const auto* const last = static_cast<const char*>(memory_) + kBytes - 1;
    EXPECT_EQ(cudaMemcpyAsync(&value, last, 1, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    return value;
  }

  static constexpr size_t kBytes = 5003;
  cudaStream_t first_ = nullptr;
  cudaStream_t second_ = nullptr;
  cudaEvent_t event_ = nullptr;
  void* memory_ = nullptr;
};

using StandInDeathTest = StandIn;

TEST_F(StandIn, AStreamWorksInOrderAndLater) {
  fill(first_, 1);
  pause(first_);
  fill(first_, 2);
  EXPECT_EQ(cudaStreamQuery(first_), cudaErrorNotReady);
  EXPECT_EQ(read(first_), 2);
  EXPECT_EQ(cudaStreamQuery(nullptr), cudaSuccess);
}

TEST_F(StandIn, StreamsDoNotWaitForEachOther) {
  fill(first_, 1);
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  pause(first_);
  fill(first_, 2);
  EXPECT_EQ(read(second_), 1);
  EXPECT_EQ(read(nullptr), 1);
}

TEST_F(StandIn, AnEventOrdersThem) {
  pause(first_);
  fill(first_, 2);
  EXPECT_EQ(cudaEventQuery(event_), cudaSuccess) << "never recorded";
  ASSERT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event_), cudaErrorNotReady);
  ASSERT_EQ(cudaStreamWaitEvent(second_, event_, 0), cudaSuccess);
  EXPECT_EQ(read(second_), 2);
  EXPECT_EQ(cudaEventQuery(event_), cudaSuccess);
}

// The state of the event at the call counts, not a later one.
TEST_F(StandIn, AWaitIsForTheLastRecordingBeforeIt) {
  fill(first_, 1);
  ASSERT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(second_, event_, 0), cudaSuccess);
  pause(first_);
  fill(first_, 2);
  ASSERT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  EXPECT_EQ(read(second_), 1);
}

TEST_F(StandIn, AnEventBelongsToItsDevice) {
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(event_, nullptr), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(event_, first_), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(8), cudaErrorInvalidDevice);
}

TEST_F(StandInDeathTest, TheHostCannotReachDeviceMemory) {
  EXPECT_EXIT(std::printf("%d", *static_cast<volatile char*>(memory_)), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(*static_cast<volatile char*>(memory_) = 1, testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(StandInDeathTest, AccessBeyondTheEndIsAnError) {
  EXPECT_DEATH(cudaMemsetAsync(memory_, 1, kBytes + 1, first_), "access to 5004 bytes at place 0 of 5003");
}

}  // namespace
