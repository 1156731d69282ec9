# What other projects build with: headers, libraries and the package that find_package(charrnn) reads. The programs, and
# the modules that they load, are the component `tools`; all of this is `development`.
include(CMakePackageConfigHelpers)

add_library(charrnn INTERFACE)  # all of them; each folder of src/charrnn has its target, charrnn::FOLDER
add_library(charrnn::charrnn ALIAS charrnn)
target_link_libraries(charrnn INTERFACE charrnn_run)
install(TARGETS charrnn EXPORT charrnn COMPONENT development)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/src/charrnn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
  FILES_MATCHING PATTERN "*.h")

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/charrnn)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/charrnnConfig.cmake.in charrnnConfig.cmake
  INSTALL_DESTINATION ${package_folder})
# Nothing is stable before 1.0: 0.1 serves 0.1 alone.
write_basic_package_version_file(charrnnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/charrnnConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/charrnnConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindLibTorch.cmake DESTINATION ${package_folder} COMPONENT development)
install(EXPORT charrnn FILE charrnnTargets.cmake NAMESPACE charrnn:: DESTINATION ${package_folder}
  COMPONENT development)
