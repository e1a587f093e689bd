# SPDX-License-Identifier: Apache-2.0
# One helper per kind of target, so that every room builds with the same flags.

add_library(sluice_flags INTERFACE)
target_include_directories(sluice_flags INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/generated")
target_compile_options(sluice_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -fstack-protector-strong
  $<$<BOOL:${SLUICE_WERROR}>:-Werror>
  # GCC 12 warns inside its own headers and Boost's when it inlines them at -O2.
  -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict)
target_compile_definitions(sluice_flags INTERFACE SLUICE_VERSION="${PROJECT_VERSION}")
target_link_options(sluice_flags INTERFACE -Wl,-z,relro,-z,now)
target_link_libraries(sluice_flags INTERFACE Threads::Threads)
if(SLUICE_SANITIZE)
  target_compile_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE})
endif()

# sluice_room(NAME <room> SOURCES ... LINK ... [PRIVATE_LINK ...]): the static library of one folder.
function(sluice_room)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(sluice_${ARG_NAME} STATIC ${ARG_SOURCES})
  add_library(sluice::${ARG_NAME} ALIAS sluice_${ARG_NAME})
  target_link_libraries(sluice_${ARG_NAME} PUBLIC sluice_flags ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
endfunction()

# sluice_program(NAME <program> SOURCES ... LINK ... [COMPONENT gateway|hub]): an installed executable.
function(sluice_program)
  cmake_parse_arguments(ARG "" "NAME;COMPONENT" "SOURCES;LINK" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE sluice_flags ${ARG_LINK})
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  install(TARGETS ${ARG_NAME} RUNTIME DESTINATION bin COMPONENT ${ARG_COMPONENT})
endfunction()

# sluice_test(NAME <x_test> LABEL unit|integration|system SOURCES ... LINK ... [TIMEOUT s]):
# one GoogleTest executable. Its labels are LABEL and the folder's name, and the targets
# tests_<label> and tests_<folder> build all of a kind. System tests run alone: they kill and stall
# whole sets of programs, and must not make each other's deadlines pass.
function(sluice_test)
  cmake_parse_arguments(ARG "" "NAME;LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_LABEL MATCHES "^(unit|integration|system)$")
    message(FATAL_ERROR "sluice_test(${ARG_NAME}): LABEL must be unit, integration or system.")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  target_link_libraries(${ARG_NAME} PRIVATE sluice_flags ${ARG_LINK} GTest::gmock GTest::gtest_main)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_compile_definitions(${ARG_NAME} PRIVATE
    SLUICE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SLUICE_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
  get_filename_component(folder "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  set(labels ${ARG_LABEL} ${folder})
  list(REMOVE_DUPLICATES labels)
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS "${labels}" TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABEL STREQUAL system)
    set_tests_properties(${ARG_NAME} PROPERTIES RUN_SERIAL ON)
  endif()
  foreach(label ${labels})
    if(NOT TARGET tests_${label})
      add_custom_target(tests_${label})
    endif()
    add_dependencies(tests_${label} ${ARG_NAME})
  endforeach()
endfunction()

# Asio and Beast compiled once. Kept beside the dependencies, since it holds no code of ours.
add_library(sluice_asio STATIC "${CMAKE_CURRENT_LIST_DIR}/boost/asio_impl.cpp")
target_link_libraries(sluice_asio PUBLIC sluice_boost Threads::Threads)
add_library(sluice_beast STATIC "${CMAKE_CURRENT_LIST_DIR}/boost/beast_impl.cpp")
target_link_libraries(sluice_beast PUBLIC sluice_asio)
foreach(target sluice_asio sluice_beast)
  if(SLUICE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${SLUICE_SANITIZE})
  endif()
endforeach()
