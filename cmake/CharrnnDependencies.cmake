# Everything charrnn is built on; charrnnConfig.cmake.in finds the same again for users. All but LibTorch are Debian 12 packages (launch/install.sh lists them).
find_package(LibTorch 2.11 REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(yaml-cpp REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(TBB REQUIRED)
find_package(absl REQUIRED)
find_package(ZLIB REQUIRED)
find_package(simdjson REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET GLOBAL hdf5)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET GLOBAL libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET GLOBAL libxxhash)

set(CHARRNN_CUDA ${LibTorch_CUDA} CACHE BOOL "Build the CUDA and NCCL code (needs a LibTorch built with CUDA)")
if(CHARRNN_CUDA AND NOT LibTorch_CUDA)
  message(FATAL_ERROR "CHARRNN_CUDA is ON, but this LibTorch was built without CUDA, or the CUDA runtime and NCCL that "
    "belong to it are not beside it (nvidia/cu13, nvidia/nccl). Take another LibTorch or set -DCHARRNN_CUDA=OFF.")
endif()

# ATen and what a custom autograd function needs, compiled once (design: 7 to 19 s a file otherwise).
file(WRITE ${PROJECT_BINARY_DIR}/torch_pch.cpp.in "// Only carries the precompiled header.\n")
configure_file(${PROJECT_BINARY_DIR}/torch_pch.cpp.in ${PROJECT_BINARY_DIR}/torch_pch.cpp COPYONLY)
add_library(charrnn_torch_pch OBJECT ${PROJECT_BINARY_DIR}/torch_pch.cpp)
target_link_libraries(charrnn_torch_pch PRIVATE charrnn_options LibTorch::LibTorch)
target_compile_options(charrnn_torch_pch PRIVATE -fopenmp)
target_compile_features(charrnn_torch_pch PRIVATE cxx_std_20)
target_precompile_headers(charrnn_torch_pch PRIVATE <ATen/ATen.h> <torch/csrc/autograd/custom_function.h>
  <torch/csrc/autograd/autograd.h>)
