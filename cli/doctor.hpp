// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/doctor_road.hpp"
#include "cli/finding.hpp"
#include "core/clock.hpp"
#include "storage/log_reader.hpp"
#include "sync/uplink_settings.hpp"

// The checks of `sluice doctor`. None needs a running daemon, and none changes anything but a
// scratch file beside the log that is removed again.
namespace sluice::cli {

// What the checks learn for one another, in the order in which they run.
struct Patient {
  std::string config_file;
  double disk_seconds = 3;
  const core::Clock& clock;
  std::optional<sync::UplinkSettings> uplink = {};
  std::unique_ptr<storage::LogReader> log = {};  // null: there is none (yet), or it cannot be read
  double events_per_day = 0;                     // 0: the log does not say
  std::optional<HubRoad> road = {};

  nats::Connection* hub() const { return road ? road->connection.get() : nullptr; }
};

Finding check_config(Patient& patient);
Finding check_state_folder(Patient& patient);
Finding check_history(Patient& patient);
Finding check_disk(Patient& patient);
Finding check_clock(Patient& patient);
Finding check_hub_stream(Patient& patient);
Finding check_publish_right(Patient& patient);
Finding check_report(Patient& patient);
Finding check_anchors(Patient& patient);

}  // namespace sluice::cli
