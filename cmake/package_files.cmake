# Run by cpack on the staged files of the package, before it packs them: adds LibTorch's libraries for CPUs to
# lib/charrnn, moves the modules for GPUs there, lets the tools find both there only, and compresses the man pages.
file(GLOB_RECURSE _tools ${CPACK_TEMPORARY_DIRECTORY}/charrnn_*)
list(FILTER _tools INCLUDE REGEX "/bin/charrnn_[a-z]*$")
if(NOT _tools)
  message(FATAL_ERROR "expected the staged tools in a folder bin below ${CPACK_TEMPORARY_DIRECTORY}, found none")
endif()
list(GET _tools 0 _tool)
get_filename_component(_bin ${_tool} DIRECTORY)
get_filename_component(_prefix ${_bin} DIRECTORY)
set(_lib ${_prefix}/lib/charrnn)
find_program(_patchelf patchelf REQUIRED)
file(MAKE_DIRECTORY ${_lib})

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(GLOB_RECURSE _modules ${_prefix}/lib/libcharrnn_*.so)
foreach(_module ${_modules})
  get_filename_component(_name ${_module} NAME)
  file(RENAME ${_module} ${_lib}/${_name})
  list(APPEND _ours ${_lib}/${_name})
endforeach()
foreach(_program ${_tools} ${_ours})
  run(${_patchelf} --set-rpath "\$ORIGIN/../lib/charrnn:\$ORIGIN" ${_program})
endforeach()

file(GLOB _pages ${_prefix}/share/man/man1/charrnn_*.1)
if(_pages)  # Debian's policy wants them compressed
  run(gzip -9n ${_pages})
endif()

# What libtorch_cpu links, and what that links, except what Debian packages have.
file(GET_RUNTIME_DEPENDENCIES LIBRARIES ${CPACK_CHARRNN_LIBTORCH_CPU}
  RESOLVED_DEPENDENCIES_VAR _libraries UNRESOLVED_DEPENDENCIES_VAR _missing
  POST_EXCLUDE_REGEXES "^/lib" "^/usr/lib")
if(_missing)
  message(FATAL_ERROR "${CPACK_CHARRNN_LIBTORCH_CPU} links libraries that are not here: ${_missing}")
endif()
foreach(_library ${CPACK_CHARRNN_LIBTORCH_CPU} ${_libraries})
  get_filename_component(_name ${_library} NAME)
  file(REAL_PATH ${_library} _library)
  file(COPY_FILE ${_library} ${_lib}/${_name})
  file(CHMOD ${_lib}/${_name} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  run(${_patchelf} --set-rpath "\$ORIGIN" ${_lib}/${_name})
endforeach()

get_filename_component(_site ${CPACK_CHARRNN_LIBTORCH_CPU} DIRECTORY)
file(GLOB _texts ${_site}/../../torch-*.dist-info/licenses/LICENSE ${_site}/../../torch-*.dist-info/licenses/NOTICE
  ${_site}/../../torch-*.dist-info/LICENSE ${_site}/../../torch-*.dist-info/NOTICE)
foreach(_text ${_texts})
  get_filename_component(_name ${_text} NAME)
  file(COPY_FILE ${_text} ${_prefix}/share/doc/charrnn/LibTorch-${_name})
endforeach()
