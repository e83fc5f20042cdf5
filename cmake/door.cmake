# What passes between this program and libhone_nn.so are C++ objects of src/core, so both must have been built from the same
# headers by the same compiler: generated/nn_door.h names them.
file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/core/*.h")
list(FILTER headers EXCLUDE REGEX "_test_kit\\.h$")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${headers})
set(door "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
foreach(header IN LISTS headers)
  file(SHA256 "${header}" sum)
  string(APPEND door " ${sum}")
endforeach()
string(SHA256 door "${door}")
string(SUBSTRING "${door}" 0 12 door)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/nn_door.h" @ONLY CONTENT
"// Written by the build.
#pragma once

namespace hone {

inline constexpr const char* nn_door = \"@PROJECT_VERSION@ (@door@)\";

}  // namespace hone
")
