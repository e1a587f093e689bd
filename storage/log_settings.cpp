// SPDX-License-Identifier: Apache-2.0
#include "storage/log_settings.hpp"

namespace sluice::storage {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

void visit(LogSettings& settings, core::SettingsVisitor& visitor) {
  visitor.section("log");
  visitor.field("retention", settings.retention, milliseconds{0}, hours{24 * 366});
  visitor.field("streams_max", settings.streams_max, 1, 1'000'000);
  visitor.bytes("event_bytes_max", settings.event_bytes_max, 1024, core::limits::kEventBytes);
  visitor.field("queue_events_max", settings.queue_events_max, 1, 1'000'000);
  visitor.bytes("queue_bytes_max", settings.queue_bytes_max, 64 * 1024, 1ull << 30);
  visitor.bytes("disk_free_min", settings.disk_free_min, 0, 1ull << 40);
  visitor.field("restart_wait_max", settings.restart_wait_max, milliseconds{0}, seconds{60});
  for (const core::Lane lane : core::kLanes) {
    LaneSettings& own = settings.lanes[core::index(lane)];
    visitor.section("log." + std::string(core::lane_name(lane)));
    visitor.field("commit_interval", own.commit_interval, milliseconds{0}, seconds{10});
    visitor.bytes("quota", own.quota_bytes, 1ull << 20, 1ull << 44);
  }
}

}  // namespace sluice::storage
