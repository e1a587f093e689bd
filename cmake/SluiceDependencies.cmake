# SPDX-License-Identifier: Apache-2.0
# Each library that Sluice builds on, as an imported target. The Debian 12 package is named beside
# each; newer releases must work too.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# libboost1.81-dev: Asio, Beast, JSON, header-only.
find_path(SLUICE_BOOST_INCLUDE boost/version.hpp REQUIRED)
file(STRINGS "${SLUICE_BOOST_INCLUDE}/boost/version.hpp" boost_version_line
     REGEX "#define BOOST_VERSION ")
string(REGEX MATCH "[0-9]+" boost_version "${boost_version_line}")
if(boost_version LESS 108100)
  message(FATAL_ERROR "Boost 1.81 or later is needed; run scripts/deps.sh (found ${boost_version}).")
endif()
add_library(sluice_boost INTERFACE)
target_include_directories(sluice_boost SYSTEM INTERFACE "${SLUICE_BOOST_INCLUDE}")
target_compile_definitions(sluice_boost INTERFACE
  BOOST_ERROR_CODE_HEADER_ONLY BOOST_JSON_NO_LIB BOOST_CONTAINER_NO_LIB
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)
# Bare fences are what the thread sanitizer cannot see; Asio's queues are ordered by their mutexes.
if(SLUICE_SANITIZE MATCHES "thread")
  target_compile_definitions(sluice_boost INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()

# libmsgpack-cxx-dev: header-only. Debian's package depends on libboost-dev (1.74), which conflicts
# with libboost1.81-dev, so scripts/deps.sh unpacks its headers into deps/ (docs/decisions/).
find_path(SLUICE_MSGPACK_INCLUDE msgpack.hpp
          HINTS "${CMAKE_CURRENT_SOURCE_DIR}/deps/msgpack/usr/include")
if(NOT SLUICE_MSGPACK_INCLUDE)
  message(FATAL_ERROR "msgpack.hpp (libmsgpack-cxx-dev) is missing; run scripts/deps.sh.")
endif()
add_library(sluice_msgpack INTERFACE)
target_include_directories(sluice_msgpack SYSTEM INTERFACE "${SLUICE_MSGPACK_INCLUDE}")
target_link_libraries(sluice_msgpack INTERFACE sluice_boost)

find_path(SLUICE_TOML_INCLUDE toml++/toml.h REQUIRED)  # libtomlplusplus-dev
add_library(sluice_toml INTERFACE)
target_include_directories(sluice_toml SYSTEM INTERFACE "${SLUICE_TOML_INCLUDE}")
target_compile_definitions(sluice_toml INTERFACE TOML_EXCEPTIONS=0)

pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)      # libsodium-dev
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto)      # libssl-dev; nats.c brings it
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)          # libzstd-dev
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3)        # libsqlite3-dev
if(SLUICE_BUILD_HUB)
  pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)        # libcurl4-openssl-dev
endif()
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)    # libsystemd-dev
if(SLUICE_BUILD_HUB)
  pkg_check_modules(pq REQUIRED IMPORTED_TARGET libpq)            # libpq-dev
endif()

find_path(SLUICE_NATS_INCLUDE nats/nats.h REQUIRED)               # libnats-dev
find_library(SLUICE_NATS_LIBRARY NAMES nats REQUIRED)
add_library(sluice_nats_c INTERFACE)
target_include_directories(sluice_nats_c SYSTEM INTERFACE "${SLUICE_NATS_INCLUDE}")
target_link_libraries(sluice_nats_c INTERFACE "${SLUICE_NATS_LIBRARY}")

find_path(SLUICE_CLI11_INCLUDE CLI/CLI.hpp REQUIRED)              # libcli11-dev
add_library(sluice_cli11 INTERFACE)
target_include_directories(sluice_cli11 SYSTEM INTERFACE "${SLUICE_CLI11_INCLUDE}")

if(SLUICE_BUILD_TESTS)
  find_package(GTest REQUIRED)                                    # libgtest-dev, libgmock-dev
endif()
