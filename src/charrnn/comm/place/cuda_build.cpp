#include "charrnn/comm/place/cuda_build.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "charrnn/core/error.h"

namespace charrnn {
namespace {

std::string cuda_version(int version) {
  return concat(version / 1000, ".", version % 1000 / 10);
}

// "sm_120a" -> 120, 'a'
struct Code {
  bool is_binary;  // otherwise PTX, which the driver compiles
  int capability;  // major * 10 + minor
  char restriction;
};

Code parse(const std::string& text) {
  char* rest = nullptr;
  const long capability = std::strtol(text.c_str() + text.find('_') + 1, &rest, 10);
  return {text.starts_with("sm_"), static_cast<int>(capability), *rest};
}

// The rules of the CUDA programming guide: a binary runs on GPUs with the same major version and at least its
// minor version, PTX on that version and all later ones; with the suffix "a" only on that version, with "f"
// on its family.
bool runs(const Code& code, const Gpu& gpu) {
  const int capability = gpu.major * 10 + gpu.minor;
  if (code.restriction == 'a') return capability == code.capability;
  const bool same_major = gpu.major == code.capability / 10;
  return capability >= code.capability && (same_major || (!code.is_binary && code.restriction == '\0'));
}

std::string capabilities(const std::vector<Code>& codes) {
  std::string text;
  for (const Code& code : codes) {
    text += concat(text.empty() ? "" : ", ", code.capability / 10, ".", code.capability % 10);
  }
  return text;
}

}  // namespace

CudaBuild cuda_build() {
  CudaBuild build{.runtime = CHARRNN_CUDA_RUNTIME, .code = {}};
  std::istringstream code(CHARRNN_CUDA_CODE);
  for (std::string one; code >> one;) build.code.push_back(one);
  return build;
}

std::string find_mismatch(const CudaBuild& build, int driver_version, const std::vector<Gpu>& gpus) {
  // Minor versions are compatible: a driver for CUDA 13.0 runs what was built with 13.2.
  const int oldest = build.runtime / 1000 * 1000;
  if (driver_version < oldest) {
    return concat("the NVIDIA driver supports CUDA ", cuda_version(driver_version),
                  ", but charrnn was built with the CUDA runtime ", cuda_version(build.runtime),
                  ", which needs a driver for CUDA ", cuda_version(oldest), " or later: update the driver");
  }
  std::vector<Code> codes;
  for (const std::string& text : build.code) codes.push_back(parse(text));
  for (const Gpu& gpu : gpus) {
    const bool fits =
        std::any_of(codes.begin(), codes.end(), [&](const Code& code) { return runs(code, gpu); });
    if (fits || codes.empty()) continue;
    return concat("the GPU ", gpu.uuid, " (", gpu.kind, ") has compute capability ", gpu.major, ".",
                  gpu.minor, ", but the kernels of this LibTorch are for ", capabilities(codes),
                  ": build charrnn with a LibTorch for that GPU, or hide it with CUDA_VISIBLE_DEVICES");
  }
  return "";
}

}  // namespace charrnn
