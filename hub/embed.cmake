# SPDX-License-Identifier: Apache-2.0
# cmake -DFILES=name=path,name=path -DOUT=<file.cpp> -P embed.cmake: writes the files' bytes as C++
# arrays, so that the program needs no files beside it.
string(REPLACE "," ";" files "${FILES}")
set(text "// Made by hub/embed.cmake.\n#include \"hub/page.hpp\"\n\nnamespace sluice::hub {\nnamespace {\n")
set(table "")
set(index 0)
foreach(file IN LISTS files)
  string(REGEX MATCH "^([^=]+)=(.+)$" matched "${file}")
  set(name "${CMAKE_MATCH_1}")
  file(READ "${CMAKE_MATCH_2}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  string(APPEND text "constexpr char kFile${index}[] = {${bytes}'\\0'};\n")
  string(APPEND table "    {\"${name}\", {kFile${index}, ${size}}},\n")
  math(EXPR index "${index} + 1")
endforeach()
string(APPEND text "constexpr PageFile kFiles[] = {\n${table}};\n}  // namespace\n\n"
  "std::span<const PageFile> page_files() { return kFiles; }\n}  // namespace sluice::hub\n")
file(WRITE "${OUT}" "${text}")
