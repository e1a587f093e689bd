// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "core/random.hpp"
#include "storage/event_log.hpp"

// What log_child and the test that kills it agree upon.
namespace sluice::storage {

inline constexpr std::uint64_t kChildClients = 4;

inline EventLog::Options child_options(const std::filesystem::path& folder) {
  LogSettings settings;
  settings.segment_events = 300;  // many rotations and seals to be killed in
  settings.disk_soft = settings.disk_hard = settings.ballast = 0;
  for (LaneSettings& lane : settings.lanes) lane.commit_interval = std::chrono::milliseconds(1);
  return {folder, *core::GatewayId::parse("plant-7"), settings, {}, {}};
}

inline NewEvent child_event(std::uint64_t seed, std::uint64_t n) {
  core::SeededRandom random(seed ^ (n * 0x9e3779b97f4a7c15u));
  NewEvent event;
  event.stream = {"pump", std::to_string(n % 17)};
  event.type = "Measured";
  event.data = "\xcf" + std::string(8, '\x7f');
  for (int i = 0; i < 8; ++i)
    event.data[static_cast<std::size_t>(1 + i)] = static_cast<char>(n >> (8 * (7 - i)));
  event.data[1] = '\x7f';  // so that the 64-bit form is the shortest
  event.id.emplace();
  for (std::uint8_t& byte : event.id->bytes) byte = static_cast<std::uint8_t>(random.next());
  return event;
}

}  // namespace sluice::storage
