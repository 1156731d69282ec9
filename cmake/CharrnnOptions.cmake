# How our own code is compiled: warnings, optional sanitizers, ccache if it is installed.
#   charrnn_library(NAME [TORCH] SOURCES ... LINKS ...)   one folder of src: charrnn_NAME, for users charrnn::NAME
#   charrnn_tool(NAME LINKS ...)                          NAME.cpp, a main -> charrnn_NAME

find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(CCACHE_PROGRAM AND PROJECT_IS_TOP_LEVEL)
  # ccache's manual requires this sloppiness for precompiled headers. The only -include is that of the precompiled
  # header, whose content ccache compares in any case; its path may differ, so that the build of tests/examples shares
  # results with this one.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_IGNOREOPTIONS=-include
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
endif()

add_library(charrnn_options INTERFACE)
target_compile_options(charrnn_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor $<$<BOOL:${CHARRNN_WERROR}>:-Werror>
  -ffp-contract=off $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)  # part of clang's -Wconversion, not of GCC's
if(CCACHE_PROGRAM)  # ccache's manual requires these options for precompiled headers
  target_compile_options(charrnn_options INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
endif()
if(CHARRNN_SANITIZE)
  target_compile_options(charrnn_options INTERFACE -fsanitize=${CHARRNN_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(charrnn_options INTERFACE -fsanitize=${CHARRNN_SANITIZE})
  if(CHARRNN_SANITIZE MATCHES address)
    # GCC 12 takes std::regex's automata for uninitialized once the sanitizer's checks are among them.
    target_compile_options(charrnn_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_sources(charrnn_options INTERFACE
      $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:${PROJECT_SOURCE_DIR}/tests/sanitizers/keep_modules.cpp>)
    target_link_options(charrnn_options INTERFACE
      $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-Wl,--export-dynamic-symbol=dlclose>)
  endif()
endif()

# The commit is read when CMake runs; it is "unknown" in a build from a tarball.
execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} describe --always --dirty --abbrev=10
  OUTPUT_VARIABLE CHARRNN_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT CHARRNN_COMMIT)
  set(CHARRNN_COMMIT unknown)
endif()

# Tools find the wheel's libraries and the modules in lib without environment variables, both installed and in the build
# folder.
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_RPATH "$ORIGIN/../lib")
  set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
  set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endif()

function(charrnn_library name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(charrnn_${name} STATIC ${ARG_SOURCES})
  add_library(charrnn::${name} ALIAS charrnn_${name})
  set_target_properties(charrnn_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(charrnn_${name} PUBLIC cxx_std_20)
  target_include_directories(charrnn_${name} PUBLIC $<BUILD_INTERFACE:${charrnn_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(charrnn_${name} PUBLIC ${ARG_LINKS}
    PRIVATE $<BUILD_INTERFACE:charrnn_options> ${ARG_PRIVATE_LINKS})
  if(ARG_TORCH)
    charrnn_use_torch(charrnn_${name})
  endif()
  install(TARGETS charrnn_${name} EXPORT charrnn ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
endfunction()

# Links LibTorch and uses the precompiled header, shared by all targets, for its slow headers.
function(charrnn_use_torch target)
  target_link_libraries(${target} PUBLIC LibTorch::LibTorch)
  # Without -fopenmp, at::parallel_for in our files would be serial. -fPIC, also in programs, because the precompiled header
  # has it.
  target_compile_options(${target} PRIVATE -fopenmp -fPIC)
  target_precompile_headers(${target} REUSE_FROM charrnn_torch_pch)
endfunction()

function(charrnn_tool name)
  cmake_parse_arguments(ARG "TORCH" "" "LINKS" ${ARGN})
  add_executable(charrnn_${name} ${name}.cpp)
  target_link_libraries(charrnn_${name} PRIVATE charrnn_options ${ARG_LINKS} CLI11::CLI11)
  if(ARG_TORCH)
    charrnn_use_torch(charrnn_${name})
  endif()
  install(TARGETS charrnn_${name} RUNTIME COMPONENT tools)
endfunction()
