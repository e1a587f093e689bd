// SPDX-License-Identifier: Apache-2.0
#include "storage/log_settings.hpp"

#include <charconv>

namespace sluice::storage {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string_view ack_word(AckMode mode) {
  return mode == AckMode::kHub ? "hub" : mode == AckMode::kMemory ? "memory" : "disk";
}

std::uint64_t LogSettings::card_endurance_bytes() const {
  std::uint64_t number = 0;
  const char* const end = card_endurance.data() + card_endurance.size();
  const auto [unit, error] = std::from_chars(card_endurance.data(), end, number);
  if (error != std::errc{} || number == 0 || number > 1'000'000) return 0;
  const std::string_view word(unit, static_cast<std::size_t>(end - unit));
  if (word == "TB") return number * 1'000'000'000'000;
  return word == "GB" ? number * 1'000'000'000 : 0;
}

AckMode LaneSettings::ack_mode() const {
  return ack == "hub" ? AckMode::kHub : ack == "memory" ? AckMode::kMemory : AckMode::kDisk;
}

void visit(LogSettings& settings, core::SettingsVisitor& visitor) {
  visitor.section("log");
  visitor.field("retention", settings.retention, milliseconds{0}, hours{24 * 366});
  visitor.field("streams_max", settings.streams_max, 1, 1'000'000);
  visitor.bytes("event_bytes_max", settings.event_bytes_max, 1024, core::limits::kEventBytes);
  visitor.field("queue_events_max", settings.queue_events_max, 1, 1'000'000);
  visitor.bytes("queue_bytes_max", settings.queue_bytes_max, 64 * 1024, 1ull << 30);
  visitor.bytes("disk_free_min", settings.disk_free_min, 0, 1ull << 40);
  visitor.field("restart_wait_max", settings.restart_wait_max, milliseconds{0}, seconds{60});
  visitor.field("hub_timeout", settings.hub_timeout, milliseconds{100}, hours{1});
  visitor.field("card_endurance", settings.card_endurance);
  if (!settings.card_endurance.empty() && settings.card_endurance_bytes() == 0)
    visitor.reject("card_endurance", "must be a number with GB or TB, as \"30TB\"");
  for (const core::Lane lane : core::kLanes) {
    LaneSettings& own = settings.lanes[core::index(lane)];
    visitor.section("log." + std::string(core::lane_name(lane)));
    visitor.field("commit_interval", own.commit_interval, milliseconds{0}, seconds{10});
    visitor.bytes("quota", own.quota_bytes, 1ull << 20, 1ull << 44);
    visitor.field("ack", own.ack);
    if (own.ack != ack_word(own.ack_mode()))
      visitor.reject("ack", "must be \"disk\", \"hub\" or \"memory\"");
    else if (lane == core::Lane::kSystem && own.ack_mode() != AckMode::kDisk)
      visitor.reject("ack", "lane system always answers when the event is on the disk");
  }
}

}  // namespace sluice::storage
