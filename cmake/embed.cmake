# embed_files(<target> NAMESPACE_FN <function> BASE <folder> FILES <pattern>...)
#
# Puts text files into the binary. Generates embedded/<function>.h with
#   std::string_view hone::<function>(std::string_view path);       throws std::out_of_range, naming the path
#   std::vector<std::string_view> hone::<function>_names();         sorted
# where path is relative to BASE. The text lands in one raw string literal per file, which compiles at the speed
# of reading it. Included by CMakeLists.txt; run as a script (cmake -P) it writes the source file at build time.

if(CMAKE_SCRIPT_MODE_FILE)
  # -DFUNCTION=... -DBASE=... -DLIST=<file with one path per line> -DOUT=<source file>
  file(STRINGS "${LIST}" files)
  set(index 0)
  set(table "")
  file(WRITE "${OUT}" "// Written by cmake/embed.cmake.\n#include \"embedded/${FUNCTION}.h\"\n\n#include <stdexcept>\n#include <string>\n\n"
    "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n\nnamespace hone {\nnamespace {\n\n"
    "struct File {\n  std::string_view path, text;\n};\n\n")
  foreach(file IN LISTS files)
    file(READ "${file}" text)
    if(text MATCHES "\r")
      message(FATAL_ERROR "${file}: has carriage returns; files that are embedded must end their lines with LF alone")
    elseif(text MATCHES "\\)hone_\"")
      message(FATAL_ERROR "${file}: contains )hone_\" which ends the literal it is embedded in")
    endif()
    file(RELATIVE_PATH path "${BASE}" "${file}")
    file(APPEND "${OUT}" "constexpr char text_${index}[] = R\"hone_(")
    file(APPEND "${OUT}" "${text}")
    file(APPEND "${OUT}" ")hone_\";\n")
    string(APPEND table "    {\"${path}\", {text_${index}, sizeof text_${index} - 1}},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(APPEND "${OUT}" "\n// The last entry only keeps the table from being empty.\nconstexpr File files[] = {\n${table}    {{}, {}},\n};\n\n}  // namespace\n\n"
    "std::string_view ${FUNCTION}(std::string_view path) {\n"
    "  for (const File& file : files) {\n    if (!path.empty() && file.path == path) return file.text;\n  }\n"
    "  throw std::out_of_range(\"${FUNCTION}: no embedded file '\" + std::string(path) + \"'\");\n}\n\n"
    "std::vector<std::string_view> ${FUNCTION}_names() {\n  std::vector<std::string_view> names;\n"
    "  for (const File& file : files) {\n    if (!file.path.empty()) names.push_back(file.path);\n  }\n  return names;\n}\n\n}  // namespace hone\n")
  return()
endif()

set(HONE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(embed_files target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "NAMESPACE_FN;BASE" "FILES")
  if(NOT TARGET ${target})
    return()
  endif()
  list(TRANSFORM arg_FILES PREPEND "${PROJECT_SOURCE_DIR}/")
  file(GLOB files CONFIGURE_DEPENDS ${arg_FILES})
  list(SORT files)
  set(folder "${PROJECT_BINARY_DIR}/generated/embedded")
  set(function ${arg_NAMESPACE_FN})

  file(CONFIGURE OUTPUT "${folder}/${function}.h" @ONLY CONTENT
"// Written by cmake/embed.cmake: the text files of ${arg_BASE}, built into the binary.
#pragma once

#include <string_view>
#include <vector>

namespace hone {

std::string_view ${function}(std::string_view path);  // path relative to ${arg_BASE}; throws std::out_of_range
std::vector<std::string_view> ${function}_names();    // sorted

}  // namespace hone
")
  list(JOIN files "\n" lines)
  file(CONFIGURE OUTPUT "${folder}/${function}.txt" @ONLY CONTENT "${lines}\n")
  add_custom_command(OUTPUT "${folder}/${function}.cpp"
    COMMAND "${CMAKE_COMMAND}" -DFUNCTION=${function} "-DBASE=${PROJECT_SOURCE_DIR}/${arg_BASE}"
      "-DLIST=${folder}/${function}.txt" "-DOUT=${folder}/${function}.cpp" -P "${HONE_EMBED_SCRIPT}"
    DEPENDS ${files} "${folder}/${function}.txt" "${HONE_EMBED_SCRIPT}"
    COMMENT "Embedding ${arg_BASE}" VERBATIM)
  target_sources(${target} PRIVATE "${folder}/${function}.cpp")
endfunction()
