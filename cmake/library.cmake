# libhone: every room but cli in one shared library, which carries llama.cpp inside and hides it. Plus the generated
# version header, and what `cmake --install` puts where; find_package(hone) then gives hone::hone.
include(CMakePackageConfigHelpers)

file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/hone_version.h" @ONLY CONTENT
"// Written by the build.
#pragma once

#include <string_view>

namespace hone {

inline constexpr std::string_view hone_version = \"@PROJECT_VERSION@\";
inline constexpr std::string_view build_compiler = \"@CMAKE_CXX_COMPILER_ID@ @CMAKE_CXX_COMPILER_VERSION@\";
inline constexpr std::string_view build_type = \"@CMAKE_BUILD_TYPE@\";
inline constexpr std::string_view llama_release = \"@HONE_LLAMA_RELEASE@\";  // of the PyPI package llama-cpp-python
inline constexpr std::string_view llama_cpu = \"@HONE_LLAMA_CPU@\";          // avx512, avx2 or baseline: what it was compiled for

}  // namespace hone
")

get_property(rooms GLOBAL PROPERTY HONE_LIBRARY_ROOMS)
if(rooms)
  add_library(libhone SHARED)
  add_library(hone::hone ALIAS libhone)
  foreach(room IN LISTS rooms)
    target_sources(libhone PRIVATE $<TARGET_OBJECTS:hone_${room}>)
  endforeach()
  target_link_libraries(libhone PUBLIC nlohmann_json::nlohmann_json
    PRIVATE hone_llama hone_httplib hone_hnswlib hone_box2d GIF::GIF SQLite::SQLite3 yaml-cpp fmt::fmt Threads::Threads)
  target_compile_features(libhone PUBLIC cxx_std_20)
  set_target_properties(libhone PROPERTIES OUTPUT_NAME hone EXPORT_NAME hone LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_link_options(libhone PRIVATE LINKER:--exclude-libs,ALL)
    if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")  # a sanitizer's own symbols come with the program
      target_link_options(libhone PRIVATE LINKER:--no-undefined)
    endif()
  endif()
  target_include_directories(libhone INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/hone>")

  install(TARGETS libhone EXPORT hone-targets LIBRARY)
  install(EXPORT hone-targets NAMESPACE hone:: DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/hone")
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/hone-config.cmake" @ONLY CONTENT
"include(CMakeFindDependencyMacro)
find_dependency(nlohmann_json)
include(\"\${CMAKE_CURRENT_LIST_DIR}/hone-targets.cmake\")
")
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/hone-config-version.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/generated/hone-config.cmake" "${PROJECT_BINARY_DIR}/generated/hone-config-version.cmake"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/hone")
  # Every installed header compiles by itself with nlohmann_json alone (tests/acceptance/installed.py): none of the tests',
  # and none of the insides that include SQLite or llama.cpp.
  foreach(room IN LISTS rooms)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/${room}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/hone"
      FILES_MATCHING PATTERN "*.h" PATTERN prompts EXCLUDE PATTERN schema EXCLUDE PATTERN llama EXCLUDE
      REGEX "(_kit|_test|/test_[a-z_]*|/planted_lessons)\\.h$" EXCLUDE
      REGEX "/store/(db|eligible|impl|index|text_index)\\.h$" EXCLUDE)
  endforeach()
  install(FILES "${PROJECT_SOURCE_DIR}/include/hone/worlds.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/hone")
  install(FILES "${PROJECT_BINARY_DIR}/generated/hone_version.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/hone")
endif()

install(FILES docs/man/hone.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES docs/completion/hone.bash DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME hone)
install(FILES docs/completion/_hone DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
foreach(folder IN ITEMS recipes data)
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}")
    install(DIRECTORY "${folder}" DESTINATION "${CMAKE_INSTALL_DATADIR}/hone" PATTERN "*.py" EXCLUDE)
  endif()
endforeach()
install(FILES LICENSE CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
# libhone carries llama.cpp inside; its licence goes with every copy.
get_target_property(llama_include hone_llama INTERFACE_INCLUDE_DIRECTORIES)
install(FILES "${llama_include}/../LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME LICENSE.llama.cpp)
