// The module of GPU kernels. NVRTC is installed next to the CUDA runtime, but only on machines with GPUs, so
// it is loaded, not linked, and its functions are declared here as in nvrtc.h.
#include "charrnn/model/gpu/kernel_module.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "charrnn/core/error.h"
#include "charrnn/model/gpu/kernel_source.h"

namespace charrnn {
namespace {

void check_cuda(cudaError_t code, const char* function) {
  check(code == cudaSuccess, "CUDA failed in ", function,
        " for charrnn's kernels: ", cudaGetErrorString(code), " (", cudaGetErrorName(code), ")");
}

// nvrtcResult is an int with 0 for success, nvrtcProgram a pointer.
class Nvrtc {
 public:
  Nvrtc() {
    const std::string name = concat("libnvrtc.so.", CUDART_VERSION / 1000);
    library_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr)
      fail("expected ", name, ", which compiles charrnn's GPU kernels, found: ", dlerror());
  }

  // Machine code for this architecture if NVRTC supports it, otherwise PTX for the highest lower one, which
  // the driver compiles.
  std::vector<char> compile(const char* source, int architecture) const {
    const std::vector<int> known = supported();
    const bool is_known = std::find(known.begin(), known.end(), architecture) != known.end();
    int target = architecture;
    if (!is_known) {
      target = 0;
      for (const int each : known) {
        if (each < architecture) target = std::max(target, each);
      }
      check(target > 0, "expected a GPU of compute capability ", known.empty() ? 0 : known.front() / 10,
            ".0 or later for this CUDA, found ", architecture / 10, ".", architecture % 10);
    }
    Program program(*this, source);
    const std::string option = concat("--gpu-architecture=", is_known ? "sm_" : "compute_", target);
    const char* const options[] = {option.c_str(), "--std=c++17", "--fmad=false"};
    const int result = call<int(void*, int, const char* const*)>("nvrtcCompileProgram")(
        program.handle, static_cast<int>(std::size(options)), options);
    check(result == 0, "NVRTC does not compile charrnn's kernels for ", option, ": ", log(program.handle));
    return is_known ? code(program.handle, "nvrtcGetCUBINSize", "nvrtcGetCUBIN")
                    : code(program.handle, "nvrtcGetPTXSize", "nvrtcGetPTX");
  }

 private:
  struct Program {
    Program(const Nvrtc& nvrtc, const char* source)
        : destroy_(nvrtc.call<int(void**)>("nvrtcDestroyProgram")) {
      nvrtc.check_result(
          nvrtc.call<int(void**, const char*, const char*, int, const char* const*, const char* const*)>(
              "nvrtcCreateProgram")(&handle, source, "charrnn_kernels.cu", 0, nullptr, nullptr),
          "nvrtcCreateProgram");
    }
    ~Program() { destroy_(&handle); }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    void* handle = nullptr;

   private:
    int (*destroy_)(void**);
  };

  template <class Function>
  Function* call(const char* name) const {
    void* const function = dlsym(library_, name);
    check(function != nullptr, "expected the function ", name, " in NVRTC, found none");
    return reinterpret_cast<Function*>(function);
  }

  void check_result(int result, const char* function) const {
    if (result == 0) return;
    fail("NVRTC failed in ", function, ": ", call<const char*(int)>("nvrtcGetErrorString")(result));
  }

  std::vector<int> supported() const {
    int count = 0;
    check_result(call<int(int*)>("nvrtcGetNumSupportedArchs")(&count), "nvrtcGetNumSupportedArchs");
    std::vector<int> known(static_cast<size_t>(count));
    check_result(call<int(int*)>("nvrtcGetSupportedArchs")(known.data()), "nvrtcGetSupportedArchs");
    return known;
  }

  std::string log(void* program) const {
    size_t size = 0;
    check_result(call<int(void*, size_t*)>("nvrtcGetProgramLogSize")(program, &size),
                 "nvrtcGetProgramLogSize");
    std::string text(size, '\0');
    check_result(call<int(void*, char*)>("nvrtcGetProgramLog")(program, text.data()), "nvrtcGetProgramLog");
    return text;
  }

  std::vector<char> code(void* program, const char* size_function, const char* get_function) const {
    size_t size = 0;
    check_result(call<int(void*, size_t*)>(size_function)(program, &size), size_function);
    std::vector<char> bytes(size);
    check_result(call<int(void*, char*)>(get_function)(program, bytes.data()), get_function);
    return bytes;
  }

  void* library_;  // stays loaded
};

// The kernels of one GPU.
class Kernels {
 public:
  explicit Kernels(int device) {
    int major = 0;
    int minor = 0;
    check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
               "cudaDeviceGetAttribute");
    check_cuda(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
               "cudaDeviceGetAttribute");
    code_ = Nvrtc().compile(kKernelSource, 10 * major + minor);
    check_cuda(cudaLibraryLoadData(&library_, code_.data(), nullptr, nullptr, 0, nullptr, nullptr, 0),
               "cudaLibraryLoadData");
    constexpr const char* names[kTypes][2] = {{"dropout_fp32", "dropout_fp32_wide"},
                                              {"dropout_bf16", "dropout_bf16_wide"},
                                              {"dropout_fp16", "dropout_fp16_wide"}};
    for (size_t type = 0; type < kTypes; ++type) {
      for (size_t wide = 0; wide < 2; ++wide) {
        check_cuda(cudaLibraryGetKernel(&dropout_[type][wide], library_, names[type][wide]),
                   "cudaLibraryGetKernel");
      }
    }
  }

  void launch(const DropoutLaunch& l, void* stream) const {
    const uint32_t width = l.type == DropoutLaunch::Type::kFp32 ? 4 : 8;
    const auto is_aligned = [](const void* memory) { return reinterpret_cast<uintptr_t>(memory) % 16 == 0; };
    const bool is_wide = l.units % width == 0 && is_aligned(l.input) && is_aligned(l.output);
    const uint64_t threads = uint64_t{l.rows} * (l.units / (is_wide ? width : 1));
    if (threads == 0) return;
    const void* input = l.input;
    void* output = l.output;
    uint32_t rows = l.rows;
    uint32_t units = l.units;
    uint32_t inner_rows = l.inner_rows;
    uint32_t is_time_major = l.is_time_major ? 1 : 0;
    uint32_t first_lane = l.first_lane;
    uint32_t layer_key = l.layer_key;
    uint32_t threshold = l.threshold;
    float scale = l.scale;
    // NOLINTNEXTLINE(bugprone-multi-level-implicit-pointer-conversion): the addresses of arguments
    void* arguments[] = {&input,         &output,     &rows,      &units,     &inner_rows,
                         &is_time_major, &first_lane, &layer_key, &threshold, &scale};
    constexpr unsigned kBlock = 256;
    const auto blocks = static_cast<unsigned>((threads + kBlock - 1) / kBlock);
    auto* const kernel = dropout_[static_cast<size_t>(l.type)][is_wide ? 1 : 0];
    check_cuda(cudaLaunchKernel(reinterpret_cast<const void*>(kernel), dim3(blocks), dim3(kBlock), arguments,
                                0, static_cast<cudaStream_t>(stream)),
               "cudaLaunchKernel");
  }

 private:
  static constexpr size_t kTypes = 3;
  std::vector<char> code_;
  cudaLibrary_t library_ = nullptr;  // stays loaded
  std::array<std::array<cudaKernel_t, 2>, kTypes> dropout_{};
};

// The kernels by GPU. Thread-safe, because backward runs in another thread.
struct Loaded {
  std::unique_ptr<Kernels> kernels;
  std::string missing;
};

const Loaded& loaded(int device) {
  static std::mutex mutex;
  static std::map<int, Loaded> by_device;
  const std::scoped_lock lock(mutex);
  const auto found = by_device.find(device);
  if (found != by_device.end()) return found->second;
  Loaded& entry = by_device[device];
  try {
    entry.kernels = std::make_unique<Kernels>(device);
  } catch (const Error& error) {
    entry.missing = error.what();
    cudaGetLastError();  // clears the error, which LibTorch's next check would find
  }
  return entry;
}

}  // namespace

extern "C" size_t charrnn_compile_kernels(int architecture) {
  return Nvrtc().compile(kKernelSource, architecture).size();
}

extern "C" void charrnn_kernels_missing(int device, std::string* reason) {
  *reason = loaded(device).missing;
}

extern "C" void charrnn_launch_dropout(const DropoutLaunch* launch, int device, void* stream) {
  const Loaded& found = loaded(device);
  check(found.kernels != nullptr, found.missing);
  found.kernels->launch(*launch, stream);
}

}  // namespace charrnn
