// SPDX-License-Identifier: Apache-2.0
#include "storage/log_settings.hpp"

#include <charconv>

#include "storage/pressure.hpp"

namespace sluice::storage {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {
constexpr int kSyncsKept = 10;
constexpr std::uint64_t kBallastMin = 20ull << 20;
}  // namespace

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
  visitor.field("hub_sync_interval", settings.hub_sync_interval, milliseconds{0}, hours{24});
  if (settings.retention < kSyncsKept * settings.hub_sync_interval)
    visitor.reject("retention",
                   "must be at least ten times hub_sync_interval: what the hub acknowledges may be "
                   "lost there until its servers have synced it, and is sent again from here");
  visitor.bytes("disk_soft", settings.disk_soft, 0, 1ull << 44);
  visitor.bytes("disk_hard", settings.disk_hard, 0, 1ull << 44);
  if (settings.disk_hard > settings.disk_soft)
    visitor.reject("disk_hard", "must not be above disk_soft");
  visitor.bytes("ballast", settings.ballast, 0, 1ull << 40);
  if (settings.ballast > 0 && settings.ballast < kBallastMin)
    visitor.reject("ballast", "must be 0 or at least 20MiB, more than the write-ahead logs hold");
  visitor.field("restart_wait_max", settings.restart_wait_max, milliseconds{0}, seconds{60});
  visitor.field("mark_interval", settings.mark_interval, seconds{1}, hours{24});
  visitor.field("hub_timeout", settings.hub_timeout, milliseconds{100}, hours{1});
  visitor.field("card_endurance", settings.card_endurance);
  if (!settings.card_endurance.empty() && settings.card_endurance_bytes() == 0)
    visitor.reject("card_endurance", "must be a number with GB or TB, as \"30TB\"");
  for (const core::Lane lane : core::kLanes) {
    LaneSettings& own = settings.lanes[core::index(lane)];
    visitor.section("log." + std::string(core::lane_name(lane)));
    visitor.field("commit_interval", own.commit_interval, milliseconds{0}, seconds{10});
    visitor.bytes("quota", own.quota_bytes, 1ull << 20, 1ull << 44);
    visitor.field("policy", own.policy);
    if (own.policy != "refuse-new" && own.policy != "drop-oldest")
      visitor.reject("policy", "must be \"refuse-new\" or \"drop-oldest\"");
    else if (own.drops_oldest() && own.quota_bytes < kDropOldestQuotaMin)
      visitor.reject("quota", "must be at least 16MiB with policy = \"drop-oldest\"");
    visitor.field("ack", own.ack);
    if (own.drops_oldest() && own.ack == "hub")
      visitor.reject("ack",
                     "\"hub\" does not go with policy = \"drop-oldest\": an event that is "
                     "dropped would be answered by its gap record's confirmation");
    if (own.ack != ack_word(own.ack_mode()))
      visitor.reject("ack", "must be \"disk\", \"hub\" or \"memory\"");
    else if (lane == core::Lane::kSystem && own.ack_mode() != AckMode::kDisk)
      visitor.reject("ack", "lane system always answers when the event is on the disk");
  }
}

}  // namespace sluice::storage
