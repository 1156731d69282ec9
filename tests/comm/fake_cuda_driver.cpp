// Stands in for libcuda.so.1. FAKE_CUDA_GPUS is the number of GPUs, each with its number in the last byte of
// its UUID. FAKE_CUDA_KINDS lists names and compute capabilities, one per GPU: "Fake A 9.0,Fake B 8.6".
// FAKE_CUDA_VERSION is the version of CUDA that the driver supports.
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace {

int setting(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? 0 : std::atoi(value);
}

// "Fake A 9.0"
std::string kind_of(int device) {
  const char* const text = std::getenv("FAKE_CUDA_KINDS");
  std::istringstream in(text == nullptr ? "Fake GPU 9.0" : text);
  std::vector<std::string> kinds;
  for (std::string kind; std::getline(in, kind, ',');) kinds.push_back(kind);
  return kinds.at(static_cast<size_t>(device - 100) % kinds.size());
}

}  // namespace

extern "C" {

int cuDriverGetVersion(int* version) {
  *version = std::getenv("FAKE_CUDA_VERSION") == nullptr ? 99000 : setting("FAKE_CUDA_VERSION");
  return 0;
}

int cuDeviceGetName(char* name, int length, int device) {
  const std::string kind = kind_of(device);
  std::snprintf(name, static_cast<size_t>(length), "%s", kind.substr(0, kind.rfind(' ')).c_str());
  return 0;
}

// 75 and 76 are the major and minor compute capability.
int cuDeviceGetAttribute(int* value, int attribute, int device) {
  const std::string kind = kind_of(device);
  const size_t point = kind.rfind('.');
  if (attribute == 75) {
    *value = std::atoi(kind.c_str() + kind.rfind(' ') + 1);
  } else if (attribute == 76) {
    *value = std::atoi(kind.c_str() + point + 1);
  } else {
    return 1;
  }
  return 0;
}

int cuInit(unsigned /*flags*/) {
  return setting("FAKE_CUDA_INIT_RESULT");
}

int cuDeviceGetCount(int* count) {
  *count = setting("FAKE_CUDA_GPUS");
  return 0;
}

int cuDeviceGet(int* device, int ordinal) {
  *device = 100 + ordinal;
  return 0;
}

int cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
  for (unsigned char i = 0; i < 15; ++i) uuid[i] = static_cast<unsigned char>(0x10 + i);
  uuid[15] = static_cast<unsigned char>(device);
  return 0;
}

int cuGetErrorName(int /*error*/, const char** name) {
  *name = "CUDA_ERROR_OF_THE_TEST";
  return 0;
}

}  // extern "C"
