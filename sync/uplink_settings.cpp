// SPDX-License-Identifier: Apache-2.0
#include "sync/uplink_settings.hpp"

#include "core/signature.hpp"

#include <algorithm>

namespace sluice::sync {

using namespace std::chrono_literals;

ForwarderSettings UplinkSettings::forwarder() const {
  ForwarderSettings out;
  out.window.events_max = static_cast<std::size_t>(window_events);
  out.window.bytes_max = window_bytes;
  out.window.ack_timeout = ack_timeout;
  out.window.ack_timeout_max = ack_timeout * 16;
  out.window.rewind_ask_bytes = rewind_ask_bytes;
  out.window.rewind_jitter = rewind_jitter;
  out.hub_look_interval = hub_look_interval;
  out.link.bytes_max = window_bytes;
  out.link.bytes_start = std::min<std::size_t>(out.link.bytes_start, window_bytes);
  out.link.bytes_min = std::min<std::size_t>(out.link.bytes_min, window_bytes);
  out.budgets = budgets;
  return out;
}

void visit(UplinkSettings& settings, core::SettingsVisitor& visitor) {
  visitor.section("gateway");
  visitor.field("id", settings.id);
  if (!core::GatewayId::parse(settings.id))
    visitor.reject("id", "a gateway's id is 1 to 32 characters of a-z, 0-9 and -");
  visitor.field("state", settings.state);
  visitor.field("run", settings.run);
  visitor.field("clock_sync_file", settings.clock_sync_file);

  visitor.section("uplink");
  visitor.field("shard", settings.shard);
  if (!core::is_shard_name(settings.shard))
    visitor.reject("shard", "a shard's name is 1 to 32 characters of a-z, 0-9 and -");
  visit(settings.login, visitor);
  visitor.field("connect_timeout", settings.connect_timeout, 1s, 60s);
  visitor.field("report_interval", settings.report_interval, 1s, 24h);
  visitor.field("report_change_interval", settings.report_change_interval, 100ms, 24h);
  visitor.field("machine", settings.machine);
  if (settings.machine.size() > 48) visitor.reject("machine", "at most 48 bytes");
  visitor.field("takeover", settings.takeover);
  visitor.field("receipt_key", settings.receipt_key);
  if (!settings.receipt_key.empty() && !core::parse_public_key(settings.receipt_key))
    visitor.reject("receipt_key",
                   "a public key is 44 characters, as `sluice bundle key` prints it");
  visitor.field("window_events", settings.window_events, 1, 4096);
  visitor.bytes("window_bytes", settings.window_bytes, 1024, 16u << 20);
  visitor.field("ack_timeout", settings.ack_timeout, 500ms, 5min);
  visitor.field("stall_timeout", settings.stall_timeout, 10s, 1h);
  visitor.bytes("rewind_ask_bytes", settings.rewind_ask_bytes, 0, 1ull << 50);
  visitor.field("rewind_jitter", settings.rewind_jitter, 0ms, 1h);
  visitor.field("hub_look_interval", settings.hub_look_interval, 1s, 24h);
  visitor.field("live", settings.live);
  for (const auto& category : settings.live) {
    if (const auto known = core::check_category(category); !known)
      visitor.reject("live", known.error().message);
    else if (category == core::kReservedCategory)
      visitor.reject("live", "the category sluice is Sluice's own and has no current values");
  }
  visitor.field("live_interval", settings.live_interval, 100ms, 1h);
  for (const auto lane : core::kLanes) {
    visitor.section("uplink." + std::string(core::lane_name(lane)));
    auto& budget = settings.budgets[core::index(lane)];
    visitor.bytes("budget", budget, 0, 1ull << 40);
    if (budget != 0 && budget < 256)
      visitor.reject("budget", "at least 256 bytes per second, or 0 for no limit");
  }
}

core::Result<UplinkSettings> load_uplink_settings(const std::string& path) {
  auto reader = core::ConfigReader::load(path);
  if (!reader) return reader.error();
  UplinkSettings settings;
  visit(settings, *reader);
  std::vector<std::pair<std::string, std::string>> lanes_of_sluiced;
  std::string user_of_sluiced;
  reader->section("gateway");
  reader->map("lanes", lanes_of_sluiced);
  reader->field("uplink_user", user_of_sluiced);
  for (const char* others : {"log", "ingest"}) reader->leave(others);
  SLUICE_TRY(reader->finish());
  return settings;
}

}  // namespace sluice::sync
