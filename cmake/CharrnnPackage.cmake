# `cpack` in a build folder makes a Debian package of the tools: charrnn_VERSION_amd64.deb.
#
# It has the tools, their man pages, the modules for GPUs, launch/run, the batch scripts, configs and small texts, and
# the part of LibTorch that runs on CPUs, in /usr/lib/charrnn (package_files.cmake). Debian has no package of the
# LibTorch versions that charrnn needs; all other libraries are dependencies that dpkg-shlibdeps finds.
set(_share ${CMAKE_INSTALL_DATADIR}/charrnn)
install(DIRECTORY configs slurm data DESTINATION ${_share} COMPONENT tools
  PATTERN gutenberg EXCLUDE PATTERN ".*" EXCLUDE)  # data/gutenberg is downloaded
install(PROGRAMS launch/run DESTINATION ${_share}/launch COMPONENT tools)
install(FILES cmake/installed_env.sh DESTINATION ${_share}/launch RENAME env.sh COMPONENT tools)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT tools)
install(FILES cmake/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT tools)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME charrnn)
set(CPACK_PACKAGE_VENDOR "charrnn developers")
set(CHARRNN_PACKAGE_CONTACT "charrnn developers <charrnn@localhost>" CACHE STRING "Maintainer field of the package")
set(CPACK_PACKAGE_CONTACT "${CHARRNN_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Training of character-level recurrent language models")
set(CPACK_PACKAGE_DESCRIPTION "Preprocesses text into HDF5 shards, trains LSTM, GRU and RNN language models on one core \
or on many ranks under MPI, evaluates them and samples text from them.\n\nThis package has the part of LibTorch that \
runs on CPUs; for GPUs see /usr/share/doc/charrnn/README.md.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${LibTorch_LIBRARY_FOLDERS})
# Only the tools, in one package: not the headers and libraries for C++ programs.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL tools)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_files.cmake)
set(CPACK_CHARRNN_LIBTORCH_CPU ${LibTorch_CPU_LIBRARY})  # its folder and its dependencies are found from it
include(CPack)
