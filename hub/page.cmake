# SPDX-License-Identifier: Apache-2.0
# Makes `page_source`, which holds the dashboard's files: those of hub/web and the chart library.
set(page_files index.html style.css icon.svg app.js
  lib/api.js lib/bell.js lib/chart.js lib/chart_panel.js lib/dom.js lib/format.js lib/gateways.js lib/json.js
  lib/models.js lib/rows_query.js
  pages/fleet.js pages/gateway.js pages/holds.js pages/live.js pages/model.js pages/models.js
  pages/trail.js)
# libjs-chart.js. Looked for by hand: a text file is the same for every architecture.
set(SLUICE_CHART_JS "/usr/share/javascript/chart.js/chart.min.js" CACHE FILEPATH
    "Chart.js 3.9, one file")
if(NOT EXISTS "${SLUICE_CHART_JS}")
  message(FATAL_ERROR "${SLUICE_CHART_JS} (libjs-chart.js) is missing; run scripts/deps.sh.")
endif()
set(page_entries "chart.min.js=${SLUICE_CHART_JS}")
set(page_paths "${SLUICE_CHART_JS}")
foreach(file IN LISTS page_files)
  list(APPEND page_entries "${file}=${CMAKE_CURRENT_SOURCE_DIR}/web/${file}")
  list(APPEND page_paths "${CMAKE_CURRENT_SOURCE_DIR}/web/${file}")
endforeach()
list(JOIN page_entries "," page_entries)
set(page_source "${CMAKE_CURRENT_BINARY_DIR}/page_files.cpp")
add_custom_command(OUTPUT "${page_source}"
  COMMAND "${CMAKE_COMMAND}" -DFILES=${page_entries} -DOUT=${page_source}
          -P "${CMAKE_CURRENT_SOURCE_DIR}/embed.cmake"
  DEPENDS ${page_paths} "${CMAKE_CURRENT_SOURCE_DIR}/embed.cmake" VERBATIM)
