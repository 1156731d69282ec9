// Counts the work of a process on its GPUs, by name. The driver loads this library if CUDA_INJECTION64_PATH
// is its path; at the end of the process, the file KERNEL_COUNTS has a line "COUNT<TAB>NAME" for each kernel,
// kind of copy, fill and wait of the host. It works with any program, PyTorch's and ours (CUPTI's
// documentation, "activity API" and "injection").
#include <cupti.h>
#include <cxxabi.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace {

#if CUPTI_API_VERSION >= 130200
using Kernel = CUpti_ActivityKernel11;
#else
using Kernel = CUpti_ActivityKernel10;
#endif

constexpr size_t kBufferBytes = size_t{4} << 20;

std::mutex mutex;
std::map<std::string, int64_t>& counts() {
  static auto* const result = new std::map<std::string, int64_t>;  // outlives the end of the process
  return *result;
}

void complain(CUptiResult result, const char* what) {
  if (result == CUPTI_SUCCESS) return;
  const char* text = nullptr;
  cuptiGetResultString(result, &text);
  std::fprintf(stderr, "kernel_counter: %s failed: %s\n", what, text != nullptr ? text : "unknown");
}

std::string name_of(const char* symbol) {
  if (symbol == nullptr) return "a kernel without a name";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : symbol;
}

std::string copy_name(uint8_t kind) {
  switch (kind) {
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
      return "copy, host to device";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
      return "copy, device to host";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
      return "copy, device to device";
    default:
      return "copy, other";
  }
}

std::string wait_name(CUpti_ActivitySynchronizationType type) {
  switch (type) {
    case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_EVENT_SYNCHRONIZE:
      return "wait of the host, for an event";
    case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_STREAM_SYNCHRONIZE:
      return "wait of the host, for a stream";
    case CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_CONTEXT_SYNCHRONIZE:
      return "wait of the host, for all";
    default:
      return "";  // a stream waits for an event, the host does not
  }
}

std::string name_of(const CUpti_Activity& record) {
  const void* const whole = &record;
  switch (record.kind) {
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
      return name_of(static_cast<const Kernel*>(whole)->name);
    case CUPTI_ACTIVITY_KIND_MEMCPY:
      return copy_name(static_cast<const CUpti_ActivityMemcpy6*>(whole)->copyKind);
    case CUPTI_ACTIVITY_KIND_MEMSET:
      return "fill";
    case CUPTI_ACTIVITY_KIND_SYNCHRONIZATION:
      return wait_name(static_cast<const CUpti_ActivitySynchronization2*>(whole)->type);
    default:
      return "";
  }
}

void CUPTIAPI request_buffer(uint8_t** buffer, size_t* bytes, size_t* records) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(8, kBufferBytes));
  *bytes = *buffer == nullptr ? 0 : kBufferBytes;
  *records = 0;  // as many as fit
}

void CUPTIAPI take_buffer(CUcontext context, uint32_t stream, uint8_t* buffer, size_t /*bytes*/,
                          size_t filled) {
  const std::lock_guard lock(mutex);
  CUpti_Activity* record = nullptr;
  while (cuptiActivityGetNextRecord(buffer, filled, &record) == CUPTI_SUCCESS) {
    const std::string name = name_of(*record);
    if (!name.empty()) ++counts()[name];
  }
  size_t dropped = 0;
  cuptiActivityGetNumDroppedRecords(context, stream, &dropped);
  if (dropped > 0) counts()["records that CUPTI dropped"] += static_cast<int64_t>(dropped);
  std::free(buffer);
}

void write_counts() {
  complain(cuptiActivityFlushAll(1), "cuptiActivityFlushAll");
  const char* const path = std::getenv("KERNEL_COUNTS");
  if (path == nullptr) return;
  std::FILE* const file = std::fopen(path, "w");
  if (file == nullptr) {
    std::fprintf(stderr, "kernel_counter: cannot write %s\n", path);
    return;
  }
  const std::lock_guard lock(mutex);
  for (const auto& [name, count] : counts()) {
    std::fprintf(file, "%lld\t%s\n", static_cast<long long>(count), name.c_str());
  }
  std::fclose(file);
}

}  // namespace

// Called by the driver, under this name.
extern "C" __attribute__((visibility("default"))) int InitializeInjection() {
  static std::once_flag once;
  std::call_once(once, [] {
    complain(cuptiActivityRegisterCallbacks(request_buffer, take_buffer), "cuptiActivityRegisterCallbacks");
    for (const CUpti_ActivityKind kind : {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY,
                                          CUPTI_ACTIVITY_KIND_MEMSET, CUPTI_ACTIVITY_KIND_SYNCHRONIZATION}) {
      complain(cuptiActivityEnable(kind), "cuptiActivityEnable");
    }
    std::atexit(write_counts);
  });
  return 1;
}
