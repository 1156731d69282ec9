// The CUDA runtime's functions that charrnn's NCCL module and its tests use. The headers are CUDA's own, so
// the compiler compares the signatures.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "device.h"

using charrnn::stand_in::Moment;

namespace {

namespace stand_in = charrnn::stand_in;

thread_local int current_device = 0;

int device_count() {
  const char* const text = std::getenv("FAKE_CUDA_GPUS");  // as in the driver that stands in
  return text == nullptr ? 1 : std::atoi(text);
}

// Existing streams, and each device's stream nullptr. The map is never destroyed.
std::mutex& streams_mutex = *new std::mutex;
std::map<CUstream_st*, bool>& streams = *new std::map<CUstream_st*, bool>;

CUstream_st* null_stream() {
  static auto& of_device = *new std::map<int, CUstream_st*>;
  const std::lock_guard lock(streams_mutex);
  CUstream_st*& stream = of_device[current_device];
  if (stream == nullptr) {
    stream = new CUstream_st{.device = current_device};
    streams[stream] = true;
  }
  return stream;
}

CUstream_st* real(cudaStream_t stream) {
  if (stream == nullptr) return null_stream();
  const std::lock_guard lock(streams_mutex);
  if (!streams.contains(stream)) stand_in::give_up("a stream that was destroyed or never created");
  return stream;
}

cudaError_t make_stream(cudaStream_t* stream, unsigned flags) {
  // A blocking stream would be ordered with the stream nullptr, which this stand-in does not implement.
  if (flags != cudaStreamNonBlocking) return cudaErrorNotSupported;
  *stream = new CUstream_st{.device = current_device};
  const std::lock_guard lock(streams_mutex);
  streams[*stream] = true;
  return cudaSuccess;
}

void wait_for_all_streams() {
  std::vector<CUstream_st*> all;
  {
    const std::lock_guard lock(streams_mutex);
    for (const auto& [stream, lives] : streams) all.push_back(stream);
  }
  for (const CUstream_st* const stream : all) stream->queue.wait();
}

}  // namespace

extern "C" {

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    default:
      return "another error of the stand-in";
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  return cudaGetErrorName(error);
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device_count();
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= device_count()) return cudaErrorInvalidDevice;
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  wait_for_all_streams();
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return make_stream(stream, flags);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int /*priority*/) {
  return make_stream(stream, flags);
}

// Queued work is still done, as in CUDA.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const CUstream_st* const dying = real(stream);
  dying->queue.close();
  {
    const std::lock_guard lock(streams_mutex);
    streams.erase(stream);
  }
  delete dying;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  real(stream)->queue.wait();
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return real(stream)->queue.is_idle() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  std::shared_ptr<Moment> moment;
  {
    const std::lock_guard lock(event->mutex);
    moment = event->moment;  // a later recording does not count
  }
  if (moment != nullptr) real(stream)->queue.add([moment] { moment->wait(); });
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  real(stream)->queue.add([function, data] { function(data); });
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned /*flags*/) {
  *event = new CUevent_st;
  (*event)->device = current_device;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const CUstream_st* const on = real(stream);
  if (on->device != event->device) return cudaErrorInvalidResourceHandle;
  const auto moment = std::make_shared<Moment>();
  {
    const std::lock_guard lock(event->mutex);
    event->moment = moment;
  }
  on->queue.add([moment] { moment->pass(); });
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const std::lock_guard lock(event->mutex);
  return event->moment == nullptr || event->moment->is_past() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  std::shared_ptr<Moment> moment;
  {
    const std::lock_guard lock(event->mutex);
    moment = event->moment;
  }
  if (moment != nullptr) moment->wait();
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  *pointer = bytes == 0 ? nullptr : stand_in::allocate(bytes);
  return bytes == 0 || *pointer != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFree(void* pointer) {
  if (pointer == nullptr) return cudaSuccess;
  wait_for_all_streams();
  return stand_in::release(pointer) ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned /*flags*/) {
  *pointer = std::malloc(bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* pointer) {
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind /*kind*/,
                            cudaStream_t stream) {
  std::byte* const target = stand_in::reach(to, bytes);
  const std::byte* const source = stand_in::reach(from, bytes);
  real(stream)->queue.add([target, source, bytes] { std::memcpy(target, source, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return cudaStreamSynchronize(nullptr);
}

cudaError_t cudaMemsetAsync(void* pointer, int value, size_t bytes, cudaStream_t stream) {
  std::byte* const target = stand_in::reach(pointer, bytes);
  real(stream)->queue.add([target, value, bytes] { std::memset(target, value, bytes); });
  return cudaSuccess;
}

}  // extern "C"
