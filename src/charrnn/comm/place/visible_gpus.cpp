#include "charrnn/comm/place/visible_gpus.h"

#include <dlfcn.h>

#include <array>
#include <cstdio>

#include "charrnn/comm/nccl/nccl_backend.h"
#include "charrnn/comm/place/cuda_build.h"
#include "charrnn/core/error.h"

namespace charrnn {
namespace {

// From the CUDA driver API: CUresult is an int with 0 for success, CUdevice an int, CUuuid 16 bytes.
constexpr int kComputeCapabilityMajor = 75;
constexpr int kComputeCapabilityMinor = 76;
using Uuid = std::array<unsigned char, 16>;
using Init = int (*)(unsigned flags);
using GetCount = int (*)(int* count);
using GetDevice = int (*)(int* device, int ordinal);
using GetUuid = int (*)(Uuid* uuid, int device);
using GetName = int (*)(char* name, int length, int device);
using GetAttribute = int (*)(int* value, int attribute, int device);
using GetVersion = int (*)(int* version);
using GetErrorName = int (*)(int error, const char** name);

template <class Function>
Function find(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

// As nvidia-smi -L prints it. No attribute distinguishes a part of a split GPU (MIG) from a whole GPU, but
// the name does: "NVIDIA A100-SXM4-40GB MIG 1g.5gb".
std::string uuid_text(const Uuid& uuid, const std::string& name) {
  std::string text = name.find(" MIG ") == std::string::npos ? "GPU" : "MIG";
  for (size_t i = 0; i < uuid.size(); ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", uuid[i]);
    text += digits;
  }
  return text;
}

// Fills in `gpus` and returns the version of CUDA that the driver supports. Throws Error if something is
// missing.
int ask_driver(const char* library_name, std::vector<Gpu>& gpus) {
  void* const library = dlopen(library_name, RTLD_NOW | RTLD_GLOBAL);
  check(library != nullptr, "no NVIDIA driver (", library == nullptr ? dlerror() : "", ")");
  const auto init = find<Init>(library, "cuInit");
  const auto get_version = find<GetVersion>(library, "cuDriverGetVersion");
  const auto get_count = find<GetCount>(library, "cuDeviceGetCount");
  const auto get_device = find<GetDevice>(library, "cuDeviceGet");
  const auto get_name = find<GetName>(library, "cuDeviceGetName");
  const auto get_attribute = find<GetAttribute>(library, "cuDeviceGetAttribute");
  const auto get_error_name = find<GetErrorName>(library, "cuGetErrorName");
  auto get_uuid = find<GetUuid>(library, "cuDeviceGetUuid_v2");  // different for parts of a split GPU (MIG)
  if (get_uuid == nullptr) get_uuid = find<GetUuid>(library, "cuDeviceGetUuid");
  check(init && get_version && get_count && get_device && get_name && get_attribute && get_error_name &&
            get_uuid,
        "the NVIDIA driver's ", library_name, " lacks functions of CUDA 9.2 and later: update the driver");
  const auto check_driver = [&](int result, const char* function) {
    const char* name = nullptr;
    if (result != 0) get_error_name(result, &name);
    check(result == 0, "the NVIDIA driver's ", function, " failed with ", name != nullptr ? name : "error",
          " (", result, ")");
  };
  int version = 0;
  check_driver(init(0), "cuInit");
  check_driver(get_version(&version), "cuDriverGetVersion");
  int count = 0;
  check_driver(get_count(&count), "cuDeviceGetCount");
  check(count > 0, "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES empty?)");
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    int device = 0;
    Uuid uuid{};
    std::array<char, 256> name{};
    Gpu gpu;
    check_driver(get_device(&device, ordinal), "cuDeviceGet");
    check_driver(get_name(name.data(), static_cast<int>(name.size()), device), "cuDeviceGetName");
    check_driver(get_uuid(&uuid, device), "cuDeviceGetUuid");
    check_driver(get_attribute(&gpu.major, kComputeCapabilityMajor, device), "cuDeviceGetAttribute");
    check_driver(get_attribute(&gpu.minor, kComputeCapabilityMinor, device), "cuDeviceGetAttribute");
    gpu.kind = name.data();
    gpu.uuid = uuid_text(uuid, gpu.kind);
    gpus.push_back(gpu);
  }
  return version;
}

// Loads `library` for the whole process, found by the executable's RUNPATH. Returns the error, or an empty
// string.
std::string load_cuda(const char* library) {
  if (dlopen(library, RTLD_NOW | RTLD_GLOBAL) != nullptr) return "";
  return concat("the CUDA part of LibTorch does not load (", dlerror(), ")");
}

}  // namespace

VisibleGpus find_gpus(const char* driver_library, const char* torch_library) {
  VisibleGpus found;
  try {
    const int driver_version = ask_driver(driver_library, found.gpus);
    found.missing = nccl_missing();
    if (found.usable()) found.missing = find_mismatch(cuda_build(), driver_version, found.gpus);
    if (found.usable()) found.missing = load_cuda(torch_library);
  } catch (const Error& error) {
    found.missing = error.what();
  }
  return found;
}

}  // namespace charrnn
