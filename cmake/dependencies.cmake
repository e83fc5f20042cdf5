# Everything Hone links, found once. docs/dependencies.md says what each is for.
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(SQLite3 3.37 REQUIRED)
find_package(OpenSSL REQUIRED)

# hnswlib: headers only, without a CMake package on Debian.
find_path(HONE_HNSWLIB_INCLUDE_DIR hnswlib/hnswlib.h REQUIRED)
add_library(hone_hnswlib INTERFACE IMPORTED)
target_include_directories(hone_hnswlib INTERFACE "${HONE_HNSWLIB_INCLUDE_DIR}")

# Box2D: only envs/poke, and only in its sources. The package's own CMake files are not relied on: they came late.
find_path(HONE_BOX2D_INCLUDE_DIR box2d/box2d.h REQUIRED)
find_library(HONE_BOX2D_LIBRARY box2d REQUIRED)
mark_as_advanced(HONE_BOX2D_INCLUDE_DIR HONE_BOX2D_LIBRARY)
add_library(hone_box2d INTERFACE IMPORTED)
target_include_directories(hone_box2d SYSTEM INTERFACE "${HONE_BOX2D_INCLUDE_DIR}")
target_link_libraries(hone_box2d INTERFACE "${HONE_BOX2D_LIBRARY}")

# giflib: only engine/gif.
find_package(GIF REQUIRED)

# cpp-httplib: headers only upstream, split into header and library on Debian. In the second case the
# feature macros the library was compiled with stand in its .pc file, and ours must be the same.
find_path(HONE_HTTPLIB_INCLUDE_DIR httplib.h REQUIRED)
find_library(HONE_HTTPLIB_LIBRARY cpp-httplib)
mark_as_advanced(HONE_HNSWLIB_INCLUDE_DIR HONE_HTTPLIB_INCLUDE_DIR HONE_HTTPLIB_LIBRARY)
add_library(hone_httplib INTERFACE IMPORTED)
target_include_directories(hone_httplib INTERFACE "${HONE_HTTPLIB_INCLUDE_DIR}")
target_compile_definitions(hone_httplib INTERFACE CPPHTTPLIB_OPENSSL_SUPPORT)
target_link_libraries(hone_httplib INTERFACE OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
if(HONE_HTTPLIB_LIBRARY)
  get_filename_component(folder "${HONE_HTTPLIB_LIBRARY}" DIRECTORY)
  set(flags "")
  if(EXISTS "${folder}/pkgconfig/cpp-httplib.pc")
    file(STRINGS "${folder}/pkgconfig/cpp-httplib.pc" flags REGEX "^Cflags:")
  endif()
  foreach(feature IN ITEMS ZLIB BROTLI)
    if(flags MATCHES "-DCPPHTTPLIB_${feature}_SUPPORT")
      target_compile_definitions(hone_httplib INTERFACE CPPHTTPLIB_${feature}_SUPPORT)
    endif()
  endforeach()
  target_link_libraries(hone_httplib INTERFACE "${HONE_HTTPLIB_LIBRARY}")
endif()

# llama.cpp: built by scripts/setup into its cache, which leaves the place in build/llama-prefix.txt.
set(note "${PROJECT_SOURCE_DIR}/build/llama-prefix.txt")
set(prefix "${HONE_LLAMA_PREFIX}")
if(NOT prefix AND EXISTS "${note}")
  file(STRINGS "${note}" prefix LIMIT_COUNT 1)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${note}")
endif()
if(HONE_FUZZ)
  add_library(hone_llama INTERFACE IMPORTED)  # nothing that is built calls it
elseif(NOT EXISTS "${prefix}/llama-prefix.cmake")
  message(FATAL_ERROR "llama.cpp is not there (looked in '${prefix}'). Run scripts/setup once; it builds llama.cpp and notes the place.")
else()
  include("${prefix}/llama-prefix.cmake")
endif()

if(HONE_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
  enable_testing()
endif()
if(HONE_BENCH)
  find_package(benchmark REQUIRED)
endif()

# libtorch: only room nn, which is a shared object of its own. Without it everything else still builds.
find_path(HONE_TORCH_INCLUDE_DIR ATen/ATen.h)
find_library(HONE_TORCH_LIBRARY torch_cpu)
find_library(HONE_C10_LIBRARY c10)
mark_as_advanced(HONE_TORCH_INCLUDE_DIR HONE_TORCH_LIBRARY HONE_C10_LIBRARY)
set(HONE_NN OFF)
# Not under the thread sanitizer, which doesn't know OpenMP's barriers and calls every parallel loop a race.
if(HONE_TORCH_INCLUDE_DIR AND HONE_TORCH_LIBRARY AND HONE_C10_LIBRARY AND NOT HONE_FUZZ AND NOT CMAKE_CXX_FLAGS MATCHES "fsanitize=thread")
  set(HONE_NN ON)
  find_package(OpenMP REQUIRED)  # at::parallel_for is a template over it
  add_library(hone_torch INTERFACE IMPORTED)
  target_include_directories(hone_torch SYSTEM INTERFACE "${HONE_TORCH_INCLUDE_DIR}" "${HONE_TORCH_INCLUDE_DIR}/torch/csrc/api/include")
  target_link_libraries(hone_torch INTERFACE "${HONE_TORCH_LIBRARY}" "${HONE_C10_LIBRARY}" OpenMP::OpenMP_CXX)
endif()
