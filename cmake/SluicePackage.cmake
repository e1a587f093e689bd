# SPDX-License-Identifier: Apache-2.0
# What is installed besides the programs (sluice_program does those), and the Debian packages:
# `sluice` (component gateway: sluiced, sluice-uplink, sluice) and `sluice-hub` (component hub).

function(sluice_install_common component package copyright)
  install(FILES "${copyright}" RENAME copyright
          DESTINATION share/doc/${package} COMPONENT ${component})
  foreach(file README.md CHANGELOG.md SECURITY.md)
    if(EXISTS "${CMAKE_SOURCE_DIR}/${file}")
      install(FILES "${CMAKE_SOURCE_DIR}/${file}" DESTINATION share/doc/${package}
              COMPONENT ${component})
    endif()
  endforeach()
endfunction()

# --- Gateway ----------------------------------------------------------------------------------
sluice_install_common(gateway sluice "${CMAKE_SOURCE_DIR}/LICENSE")
install(FILES systemd/sluiced.service systemd/sluice-uplink.service
        DESTINATION lib/systemd/system COMPONENT gateway)
install(FILES systemd/sluice.sysusers RENAME sluice.conf
        DESTINATION lib/sysusers.d COMPONENT gateway)
install(FILES systemd/sluice.toml DESTINATION /etc/sluice
        COMPONENT gateway)
install(FILES systemd/credentials.conf DESTINATION share/doc/sluice COMPONENT gateway)
install(PROGRAMS examples/host-telemetry.sh DESTINATION share/doc/sluice COMPONENT gateway)

# --- Hub --------------------------------------------------------------------------------------
if(SLUICE_BUILD_HUB)
  # The program carries Chart.js, whose licence wants to be told.
  file(READ "${CMAKE_SOURCE_DIR}/LICENSE" licence)
  file(READ "${CMAKE_CURRENT_LIST_DIR}/chart.js.licence" chart_licence)
  file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/generated/copyright.hub"
       CONTENT "${licence}\n${chart_licence}")
  sluice_install_common(hub sluice-hub "${CMAKE_BINARY_DIR}/generated/copyright.hub")
  install(FILES systemd/sluice-hub.service DESTINATION lib/systemd/system COMPONENT hub)
  install(FILES systemd/sluice-hub.sysusers RENAME sluice-hub.conf
          DESTINATION lib/sysusers.d COMPONENT hub)
  install(FILES systemd/hub.toml DESTINATION /etc/sluice
          COMPONENT hub)
  install(FILES examples/host-telemetry.model.toml
          DESTINATION /etc/sluice/models COMPONENT hub)
  install(FILES monitoring/alerts.yml monitoring/grafana-dashboard.json
          DESTINATION share/doc/sluice-hub COMPONENT hub)
endif()

# --- Packages ---------------------------------------------------------------------------------
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VENDOR "Sluice")
set(CPACK_PACKAGE_CONTACT "Sluice maintainers <maintainers@sluice.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "event sourcing for the edge")  # cpack puts it before each:
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DIRECTORY "${CMAKE_BINARY_DIR}/packages")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)  # /etc is not below the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL gateway)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# The programs' libraries: asked of dpkg-shlibdeps, which knows this machine's architecture only.
# For another one the sysroot lists what each library's package is called.
set(sluice_depends "systemd | systemd-standalone-sysusers")
if(CMAKE_CROSSCOMPILING)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
  # sluice_depend_on(<variable> <library> ...): appends the packages of these libraries.
  function(sluice_depend_on variable)
    set(packages "")
    foreach(library IN LISTS ARGN)
      file(STRINGS "${CMAKE_SYSROOT}/shlibs" line REGEX "^${library} ")
      string(REGEX REPLACE "^[^ ]+ [^ ]+ (.*)$" "\\1" line "${line}")
      list(APPEND packages "${line}")
    endforeach()
    list(REMOVE_DUPLICATES packages)
    list(JOIN packages ", " packages)
    set(${variable} "${${variable}}, ${packages}" PARENT_SCOPE)
  endfunction()
  sluice_depend_on(sluice_depends "libc 6" "libstdc\\+\\+ 6" "libgcc_s 1" "libsodium 23"
                   "libsystemd 0" "libsqlite3 0" "libnats 3.4" "libzstd 1")
  set(hub_depends "${sluice_depends}")
  sluice_depend_on(hub_depends "libpq 5" "libcurl 4")
else()
  set(hub_depends "${sluice_depends}")
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()

set(CPACK_DEBIAN_GATEWAY_DESCRIPTION
    "The gateway: sluiced, its uplink and the command line.
Takes events from devices, keeps them in a local log that survives power cuts,
and carries them to NATS JetStream in order, through days without a link.")
set(CPACK_DEBIAN_GATEWAY_PACKAGE_NAME sluice)
set(CPACK_DEBIAN_GATEWAY_PACKAGE_DEPENDS "${sluice_depends}")
set(CPACK_DEBIAN_GATEWAY_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/cmake/debian/gateway/conffiles;${CMAKE_SOURCE_DIR}/cmake/debian/gateway/postinst;${CMAKE_SOURCE_DIR}/cmake/debian/gateway/prerm;${CMAKE_SOURCE_DIR}/cmake/debian/gateway/postrm")

if(SLUICE_BUILD_HUB)
  list(APPEND CPACK_COMPONENTS_ALL hub)
  set(CPACK_DEBIAN_HUB_DESCRIPTION
      "The hub: sluice-hub with its dashboard, and sluice-model.
Reads the hub streams of NATS JetStream into read models in SQLite or
PostgreSQL, applies each event once, and serves them over HTTP with a dashboard.")
  set(CPACK_DEBIAN_HUB_PACKAGE_NAME sluice-hub)
  set(CPACK_DEBIAN_HUB_PACKAGE_DEPENDS "${hub_depends}")
  set(CPACK_DEBIAN_HUB_PACKAGE_SUGGESTS "sluice, nats-server, postgresql, prometheus")
  set(CPACK_DEBIAN_HUB_PACKAGE_CONTROL_EXTRA
      "${CMAKE_SOURCE_DIR}/cmake/debian/hub/conffiles;${CMAKE_SOURCE_DIR}/cmake/debian/hub/postinst;${CMAKE_SOURCE_DIR}/cmake/debian/hub/prerm;${CMAKE_SOURCE_DIR}/cmake/debian/hub/postrm")
endif()

include(CPack)
