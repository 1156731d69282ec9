// Stands in for libcuda.so.1: as many GPUs as FAKE_CUDA_GPUS says, each with its number in the last byte of
// its UUID.
#include <cstdlib>

namespace {

int setting(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? 0 : std::atoi(value);
}

}  // namespace

extern "C" {

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
