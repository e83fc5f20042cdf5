# catalog(<room> TYPE <EntryType> PREFIX <prefix> [FOLDERS])
#
# src/<room>/catalog.txt holds one name per line (empty lines and lines with # are skipped). Each name N stands for
# an object `extern constinit const hone::<EntryType> <prefix>_N`, with "_" for "-". This writes the table
# hone::<prefix>_catalog(), declared in core/<prefix>.h. A listed name nobody defines is a link error that
# names the object; something defined (with FOLDERS: a sub-folder) but not listed stops configuration here.
function(catalog room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "FOLDERS" "TYPE;PREFIX" "")
  set(folder "${PROJECT_SOURCE_DIR}/src/${room}")
  set(list "${folder}/catalog.txt")
  if(NOT TARGET hone_${room})
    return()
  endif()

  set(names "")
  if(EXISTS "${list}")
    file(STRINGS "${list}" lines)
    foreach(line IN LISTS lines)
      string(STRIP "${line}" line)
      if(line STREQUAL "" OR line MATCHES "^#")
        continue()
      elseif(NOT line MATCHES "^[a-z][a-z0-9_-]*$")
        message(FATAL_ERROR "src/${room}/catalog.txt: expected one name per line (a-z, 0-9, _ and -), got '${line}'")
      endif()
      string(REPLACE "-" "_" symbol "${line}")
      if(symbol IN_LIST names)
        message(FATAL_ERROR "src/${room}/catalog.txt: '${line}' is listed twice")
      endif()
      list(APPEND names ${symbol})
    endforeach()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list}")
  endif()

  # What is there must be listed.
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  foreach(source IN LISTS sources)
    if(source MATCHES "_test\\.cpp$")
      continue()
    endif()
    file(STRINGS "${source}" definitions REGEX "constinit +const +(hone::)?${arg_TYPE} +${arg_PREFIX}_")
    foreach(definition IN LISTS definitions)
      string(REGEX MATCH "${arg_TYPE} +${arg_PREFIX}_([a-z0-9_]+)" unused "${definition}")
      if(NOT CMAKE_MATCH_1 IN_LIST names)
        file(RELATIVE_PATH source "${PROJECT_SOURCE_DIR}" "${source}")
        message(FATAL_ERROR "${source} defines ${arg_PREFIX}_${CMAKE_MATCH_1}, which src/${room}/catalog.txt does not list. Add a line '${CMAKE_MATCH_1}'.")
      endif()
    endforeach()
  endforeach()
  if(arg_FOLDERS)
    file(GLOB entries CONFIGURE_DEPENDS LIST_DIRECTORIES true "${folder}/*")
    foreach(entry IN LISTS entries)
      get_filename_component(name "${entry}" NAME)
      string(REPLACE "-" "_" symbol "${name}")
      if(IS_DIRECTORY "${entry}" AND NOT symbol IN_LIST names)
        message(FATAL_ERROR "src/${room}/${name} is a folder that src/${room}/catalog.txt does not list. Add a line '${name}'.")
      endif()
    endforeach()
  endif()

  set(declarations "")
  set(pointers "")
  foreach(name IN LISTS names)
    string(APPEND declarations "extern constinit const ${arg_TYPE} ${arg_PREFIX}_${name};\n")
    string(APPEND pointers "\n      &${arg_PREFIX}_${name},")
  endforeach()
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/${room}_catalog.cpp" @ONLY CONTENT
"// Written by cmake/catalog.cmake from src/${room}/catalog.txt.
#include \"core/${arg_PREFIX}.h\"

#include <vector>

namespace hone {

${declarations}
std::vector<const ${arg_TYPE}*> ${arg_PREFIX}_catalog() {
  return {${pointers}
  };
}

}  // namespace hone
")
  target_sources(hone_${room} PRIVATE "${PROJECT_BINARY_DIR}/generated/${room}_catalog.cpp")
endfunction()
