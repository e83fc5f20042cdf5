# room(<name> [LINK <target>...] [PRIVATE_LINK <target>...] [EXCLUDE <file>...] [PCH <owner> TEST_PCH <owner>])
#
# Makes of src/<name>/ the static library hone_<name> (also called hone::<name>) and of every *_test.cpp in it
# the program <name>_tests, whose tests carry the label "unit". Includes are written from src/: "core/episode.h".
# LINK is what the room's headers need too; PRIVATE_LINK only its sources (its tests see both).

# ---- options that all of our own code shares
add_library(hone_options INTERFACE)
target_compile_features(hone_options INTERFACE cxx_std_20)
target_include_directories(hone_options INTERFACE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_BINARY_DIR}/generated")
target_link_libraries(hone_options INTERFACE Threads::Threads)
target_compile_options(hone_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wimplicit-fallthrough -Wno-missing-field-initializers
  $<$<BOOL:${HONE_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12 on std::string and std::optional once the optimizer has inlined them.
  target_compile_options(hone_options INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-error=maybe-uninitialized)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# ---- ccache, told what it needs for precompiled headers
find_program(HONE_CCACHE ccache)
mark_as_advanced(HONE_CCACHE)
if(HONE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1)
  if(NOT DEFINED ENV{CCACHE_DIR})
    if(DEFINED ENV{HONE_CACHE})
      list(APPEND launcher "CCACHE_DIR=$ENV{HONE_CACHE}/ccache")
    elseif(DEFINED ENV{HOME})
      list(APPEND launcher "CCACHE_DIR=$ENV{HOME}/.cache/hone/ccache")
    endif()
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher} "${HONE_CCACHE}")
endif()

# ---- precompiled headers: one for code over std alone, one with JSON, one for tests; every target shares one of them
set(HONE_STD_HEADERS <algorithm> <array> <atomic> <chrono> <cmath> <condition_variable> <cstdint> <cstring>
  <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <random> <set> <span> <sstream> <stdexcept>
  <string> <string_view> <thread> <tuple> <unordered_map> <unordered_set> <utility> <variant> <vector>)

function(hone_pch_owner name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;LINK")
  file(WRITE "${PROJECT_BINARY_DIR}/generated/pch/${name}.cpp.in" "// Only carries the precompiled header.\n")
  configure_file("${PROJECT_BINARY_DIR}/generated/pch/${name}.cpp.in" "${PROJECT_BINARY_DIR}/generated/pch/${name}.cpp" COPYONLY)
  add_library(${name} OBJECT "${PROJECT_BINARY_DIR}/generated/pch/${name}.cpp")
  target_link_libraries(${name} PRIVATE hone_options ${arg_LINK})
  target_precompile_headers(${name} PRIVATE ${HONE_STD_HEADERS} ${arg_HEADERS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -fpch-preprocess)
  elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()
hone_pch_owner(hone_pch_std)
hone_pch_owner(hone_pch_json HEADERS <nlohmann/json.hpp> LINK nlohmann_json::nlohmann_json)
if(HONE_TESTS)
  hone_pch_owner(hone_pch_test HEADERS <nlohmann/json.hpp> <gtest/gtest.h> LINK nlohmann_json::nlohmann_json GTest::gtest)
endif()
if(HONE_NN)
  hone_pch_owner(hone_pch_torch HEADERS <nlohmann/json.hpp> <ATen/ATen.h> LINK nlohmann_json::nlohmann_json hone_torch)
  if(HONE_TESTS)
    hone_pch_owner(hone_pch_torch_test HEADERS <nlohmann/json.hpp> <gtest/gtest.h> <ATen/ATen.h> LINK nlohmann_json::nlohmann_json hone_torch GTest::gtest)
  endif()
endif()

function(hone_precompile target)
  set(owner hone_pch_json)
  if(ARGN)
    set(owner ${ARGN})
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")  # the header was compiled with -fPIC; -fPIE would not fit it
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM ${owner})
endfunction()

# Every test of a program becomes a test of ctest, read from the program when ctest starts.
function(hone_discover target label timeout processors)
  gtest_discover_tests(${target} TEST_PREFIX "${target}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} TIMEOUT ${timeout} PROCESSORS ${processors}
      # Two properties, because a list does not survive gtest_discover_tests.
      ENVIRONMENT "HONE_BIN=${PROJECT_BINARY_DIR}/hone" ENVIRONMENT_MODIFICATION "HONE_SOURCE_DIR=set:${PROJECT_SOURCE_DIR}")
endfunction()

function(room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PCH;TEST_PCH" "LINK;PRIVATE_LINK;EXCLUDE")
  set(folder "${PROJECT_SOURCE_DIR}/src/${name}")
  if(NOT arg_PCH)
    set(arg_PCH hone_pch_json)
    set(arg_TEST_PCH hone_pch_test)
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  foreach(file IN LISTS arg_EXCLUDE)
    list(REMOVE_ITEM sources "${folder}/${file}")
  endforeach()
  if(name IN_LIST HONE_CUT_ROOMS)
    list(TRANSFORM HONE_CUT_FILES PREPEND "${PROJECT_SOURCE_DIR}/src/" OUTPUT_VARIABLE kept)
    foreach(file IN LISTS sources)
      if(NOT file IN_LIST kept)
        list(REMOVE_ITEM sources "${file}")
      endif()
    endforeach()
    if(NOT sources)
      return()
    endif()
  endif()

  set(links "")
  foreach(link IN LISTS arg_LINK)
    if(NOT link MATCHES "^hone::" OR TARGET ${link})
      list(APPEND links ${link})
    endif()
  endforeach()

  # A room of headers only still makes a library: CMake wants one source, so it gets the empty one.
  if(NOT EXISTS "${folder}")
    return()
  endif()
  if(NOT sources)
    set(sources "${PROJECT_BINARY_DIR}/generated/pch/hone_pch_std.cpp")
  endif()
  add_library(hone_${name} STATIC ${sources})
  add_library(hone::${name} ALIAS hone_${name})
  target_link_libraries(hone_${name} PUBLIC ${links} PRIVATE hone_options ${arg_PRIVATE_LINK})
  if(name STREQUAL "core")
    hone_precompile(hone_${name} hone_pch_std)
  else()
    hone_precompile(hone_${name} ${arg_PCH})
  endif()
  if(NOT name MATCHES "^(cli|nn)$")
    set_property(GLOBAL APPEND PROPERTY HONE_LIBRARY_ROOMS ${name})
  endif()
  if(NOT name STREQUAL "nn")  # a shared object of its own
    set_property(GLOBAL APPEND PROPERTY HONE_ROOMS ${name})
  endif()

  if(HONE_TESTS AND tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE hone_${name} ${arg_PRIVATE_LINK} hone_options GTest::gtest GTest::gtest_main)
    hone_precompile(${name}_tests ${arg_TEST_PCH})
    hone_discover(${name}_tests unit 300 1)
  endif()
endfunction()

# room_tests_may_link(<room>... LINK <target>...): the tests of these rooms may use the scripted model and the
# toy environments, which live in rooms that the rooms themselves may not see.
function(room_tests_may_link)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "LINK")
  foreach(name IN LISTS arg_UNPARSED_ARGUMENTS)
    foreach(link IN LISTS arg_LINK)
      if(TARGET ${name}_tests AND TARGET ${link})
        target_link_libraries(${name}_tests PRIVATE ${link})
      endif()
    endforeach()
  endforeach()
endfunction()
