// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/event.hpp"

namespace sluice::test {

// The event of the worked example in docs/event-format.md.
inline core::EventView example_event() {
  static constexpr std::string_view kData(
      "\x82\xa7"
      "celsius\xcb\x40\x56\xb0\x00\x00\x00\x00\x00\xa4runs\x03",
      24);
  core::EventView event;
  event.gateway = "plant-7";
  event.epoch = core::Epoch{0x0f3a5c7e91b2d4f6};
  event.lane = core::Lane::kAlarm;
  event.seq = 42;
  event.category = "pump";
  event.entity = "7";
  event.version = 3;
  event.occurred_at_ns = 1'763'694'855'500'000'000;
  event.recorded.wall_ns = 1'763'694'855'512'345'678;
  event.recorded.boot = *core::Uuid::parse("5e0a3f1c-9b2d-4c7a-8e61-0f1d2c3b4a59");
  event.recorded.monotonic_ns = 86'400'000'000'000;
  event.recorded.trusted = true;
  event.id = *core::Uuid::parse("019aa456-7890-7abc-8def-0123456789ab");
  event.type = "Overheated";
  event.data = kData;
  return event;
}

}  // namespace sluice::test
