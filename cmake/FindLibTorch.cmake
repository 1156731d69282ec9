# Finds LibTorch: the torch wheel from PyPI, or a user's own copy.
#
# torch's own package config needs nvcc and a CUDA toolkit; this module uses the wheels of CUDA next to torch instead.
# Looks in LIBTORCH_ROOT (CMake or environment variable: the folder with include/ and lib/), then in CMAKE_PREFIX_PATH.
# Defines
#   LibTorch::LibTorch    tensors and autograd on the CPU, and the wheel's OpenMP runtime
#   LibTorch::CudaRuntime, LibTorch::Nccl   headers and libraries of the copies that belong to this LibTorch
#   LibTorch_VERSION, LibTorch_CUDA (TRUE if libtorch_cuda and both of the above were found)
#   LibTorch_LIBRARY_FOLDERS  the folders of its libraries and of those that they link
#   LibTorch_CUDA_RUNTIME_VERSION (13020 for CUDA 13.2; 0 without CUDA), LibTorch_CUDA_CODE (the architectures of
#   libtorch_cuda's kernels: "sm_90 sm_120")
set(_hints ${LIBTORCH_ROOT} $ENV{LIBTORCH_ROOT})
find_path(LibTorch_INCLUDE_DIR ATen/ATen.h HINTS ${_hints} PATH_SUFFIXES include torch/include)
if(LibTorch_INCLUDE_DIR)
  get_filename_component(_root ${LibTorch_INCLUDE_DIR} DIRECTORY)
  get_filename_component(_site ${_root} DIRECTORY)
endif()
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LibTorch_CUDA_LIBRARY torch_cuda HINTS ${_root}/lib NO_DEFAULT_PATH)
# The OpenMP runtime that libtorch_cpu itself loads: another one would have its own thread pool. Code compiled by clang calls
# libomp, which also has the functions of libgomp: linked first, it serves both, and libgomp is loaded but never called.
file(GLOB _gomp ${_root}/lib/libgomp*.so* ${_site}/torch.libs/libgomp*.so*)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  set(LibTorch_OPENMP_LIBRARY ${OpenMP_omp_LIBRARY})
elseif(_gomp)
  list(GET _gomp 0 LibTorch_OPENMP_LIBRARY)
else()  # a LibTorch built from source uses the compiler's
  find_package(OpenMP COMPONENTS CXX)
  set(LibTorch_OPENMP_LIBRARY ${OpenMP_gomp_LIBRARY})
endif()

foreach(_file headeronly/version.h csrc/api/include/torch/version.h)
  if(EXISTS ${LibTorch_INCLUDE_DIR}/torch/${_file})
    file(STRINGS ${LibTorch_INCLUDE_DIR}/torch/${_file} _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH)")
    if(_lines MATCHES "MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+)")
      set(LibTorch_VERSION ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3})
      break()
    endif()
  endif()
endforeach()

find_path(LibTorch_CUDA_INCLUDE_DIR cuda_runtime_api.h HINTS ${_site}/nvidia/cu13/include NO_DEFAULT_PATH)
find_file(LibTorch_CUDART_LIBRARY libcudart.so.13 HINTS ${_site}/nvidia/cu13/lib NO_DEFAULT_PATH)
find_path(LibTorch_NCCL_INCLUDE_DIR nccl.h HINTS ${_site}/nvidia/nccl/include NO_DEFAULT_PATH)
find_file(LibTorch_NCCL_LIBRARY libnccl.so.2 HINTS ${_site}/nvidia/nccl/lib NO_DEFAULT_PATH)

set(LibTorch_CUDA_RUNTIME_VERSION 0)
set(LibTorch_CUDA_CODE "")
if(LibTorch_CUDA_INCLUDE_DIR)
  file(STRINGS ${LibTorch_CUDA_INCLUDE_DIR}/cuda_runtime_api.h _lines REGEX "define CUDART_VERSION +[0-9]+")
  if(_lines MATCHES "CUDART_VERSION +([0-9]+)")
    set(LibTorch_CUDA_RUNTIME_VERSION ${CMAKE_MATCH_1})
  endif()
endif()
if(EXISTS ${LibTorch_INCLUDE_DIR}/ATen/cuda/CUDAConfig.h)
  file(STRINGS ${LibTorch_INCLUDE_DIR}/ATen/cuda/CUDAConfig.h _lines REGEX "define NVCC_FLAGS_EXTRA")
  string(REGEX MATCHALL "code=[a-z]+_[0-9]+[a-z]?" _code "${_lines}")
  string(REPLACE "code=" "" _code "${_code}")
  string(REPLACE ";" " " LibTorch_CUDA_CODE "${_code}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR LibTorch_OPENMP_LIBRARY
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run '. launch/env.sh' first (after launch/test.sh --build-only has installed the wheel), or set LIBTORCH_ROOT to your own LibTorch")

set(LibTorch_CUDA FALSE)
if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  # torch_cpu and c10 only: torch_cuda is loaded at run time if there is a driver (src/charrnn/comm/nccl/nccl_loader.cpp).
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  set_target_properties(LibTorch::LibTorch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES "${LibTorch_OPENMP_LIBRARY};${LibTorch_CPU_LIBRARY};${LibTorch_C10_LIBRARY}")
  if(LibTorch_CUDA_LIBRARY AND LibTorch_CUDA_INCLUDE_DIR AND LibTorch_CUDART_LIBRARY AND LibTorch_NCCL_INCLUDE_DIR
     AND LibTorch_NCCL_LIBRARY)
    set(LibTorch_CUDA TRUE)
    add_library(LibTorch::CudaRuntime UNKNOWN IMPORTED)
    set_target_properties(LibTorch::CudaRuntime PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_CUDA_INCLUDE_DIR};${LibTorch_CUDA_INCLUDE_DIR}/cccl"
      IMPORTED_LOCATION ${LibTorch_CUDART_LIBRARY})
    add_library(LibTorch::Nccl UNKNOWN IMPORTED)
    set_target_properties(LibTorch::Nccl PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES ${LibTorch_NCCL_INCLUDE_DIR} IMPORTED_LOCATION ${LibTorch_NCCL_LIBRARY})
  endif()
endif()
set(LibTorch_LIBRARY_FOLDERS ${_root}/lib ${_site}/torch.libs ${_site}/nvidia/cu13/lib)
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_CUDA_LIBRARY
  LibTorch_CUDA_INCLUDE_DIR LibTorch_CUDART_LIBRARY LibTorch_NCCL_INCLUDE_DIR LibTorch_NCCL_LIBRARY)
