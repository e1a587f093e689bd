// SPDX-License-Identifier: Apache-2.0
#include "gateway/status.hpp"

#include <sys/statvfs.h>

#include "core/text.hpp"
#include "gateway/link_metrics.hpp"
#include "gateway/prometheus.hpp"

namespace sluice::gateway {
namespace {

struct Disk {
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};

Disk disk_of(const std::string& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return {};
  return {info.f_bavail * info.f_frsize, info.f_blocks * info.f_frsize};
}

std::uint64_t backlog(const storage::LaneState& lane) {
  return lane.last > lane.acked ? lane.last - lane.acked : 0;
}

void pack_lane(rpc::Packer& out, const storage::LaneState& lane,
               const storage::LaneSettings& settings) {
  out.map(11).text("first").unsigned_integer(lane.first).text("last").unsigned_integer(lane.last);
  out.text("acked").unsigned_integer(lane.acked);
  out.text("backlog").unsigned_integer(backlog(lane));
  out.text("bytes").unsigned_integer(lane.bytes).text("quota_bytes");
  out.unsigned_integer(settings.quota_bytes)
      .text("ack")
      .text(settings.ack)
      .text("policy")
      .text(settings.policy);
  out.text("oldest_unacked_wall_ns").integer(lane.oldest_unacked_wall_ns);
  out.text("segments").unsigned_integer(lane.segments);
  out.text("streams").unsigned_integer(lane.streams);
}

void pack_counters(rpc::Packer& out, const storage::EventLog::Counters& counters) {
  out.map(11).text("appended").unsigned_integer(counters.appended);
  out.text("duplicates").unsigned_integer(counters.duplicates);
  out.text("refused").unsigned_integer(counters.refused);
  out.text("commits").unsigned_integer(counters.commits);
  out.text("queued").unsigned_integer(counters.queued);
  out.text("wal_bytes").unsigned_integer(counters.wal_bytes);
  out.text("trimmed_segments").unsigned_integer(counters.trimmed_segments);
  out.text("early_segments").unsigned_integer(counters.early_segments);
  out.text("dropped_events").unsigned_integer(counters.dropped_events);
  out.text("damaged_segments").unsigned_integer(counters.damaged_segments);
  out.text("damaged_events").unsigned_integer(counters.damaged_events);
}

}  // namespace

Status::Status(Sources sources)
    : acks_(sources.acks),
      desk_(sources.acks.log_desk()),
      uplink_(sources.uplink),
      forks_(sources.forks),
      wear_(sources.wear),
      clock_(sources.clock),
      traffic_(std::move(sources.traffic)),
      started_ns_(clock_.monotonic_ns()) {}

void Status::pack_wear(rpc::Packer& out, const storage::EventLog::Counters& counters) const {
  const auto wear = wear_.since_start(counters.commits, counters.appended);
  out.map(4).text("bytes").unsigned_integer(wear.bytes);
  out.text("source").text(wear.measured ? "device" : "estimate");
  out.text("events").unsigned_integer(counters.appended);
  out.text("endurance_bytes").unsigned_integer(desk_.settings().log.card_endurance_bytes());
}

std::string Status::map() const {
  const Settings& settings = desk_.settings();
  const bool open = desk_.is_open();
  const auto counters = open ? desk_.log().counters() : storage::EventLog::Counters{};
  const Disk disk = disk_of(settings.gateway.state);
  const Traffic traffic = traffic_();
  rpc::Packer out;
  const auto acks = acks_.counters();
  out.map(18).text("gateway").text(settings.id->text()).text("epoch");
  if (open)
    out.text(desk_.log().epoch().text());
  else
    out.nil();
  out.text("machine").text(settings.machine);
  out.text("version").text(SLUICE_VERSION);
  out.text("uptime_ns").unsigned_integer(clock_.monotonic_ns() - started_ns_);
  out.text("state_folder").text(settings.gateway.state);
  out.text("failure").text(failure());
  out.text("refusing").text(counters.refusing);
  out.text("clock").map(2).text("trusted").boolean(clock_.trusted());
  out.text("wall_ns").integer(clock_.wall_ns());
  out.text("lanes").map(open ? core::kLaneCount : 0);
  for (const core::Lane lane : core::kLanes) {
    if (!open) break;
    out.text(core::lane_name(lane));
    pack_lane(out, desk_.log().lane_state(lane), settings.log.lanes[core::index(lane)]);
  }
  out.text("counters");
  pack_counters(out, counters);
  out.text("dedup_window_ms").unsigned_integer(counters.dedup_window_ms);
  out.text("disk").map(3).text("level").text(disk_level_word(counters.disk_level));
  out.text("free").unsigned_integer(disk.free);
  out.text("total").unsigned_integer(disk.total);
  out.text("connections").map(2).text("rpc").unsigned_integer(traffic.rpc_connections);
  out.text("http").unsigned_integer(traffic.http_connections);
  out.text("acks").map(3).text("hub_waiting").unsigned_integer(acks.hub_waiting);
  out.text("memory_taken").unsigned_integer(acks.memory_taken);
  out.text("memory_lost").unsigned_integer(acks.memory_lost);
  out.text("wear");
  pack_wear(out, counters);
  out.text("forks");
  forks_.pack(out);
  out.text("link").raw(uplink_.link());
  return out.take();
}

std::string Status::failure() const {
  return desk_.is_open() ? desk_.log().failure() : "";
}

std::string Status::line() const {
  if (!desk_.is_open()) return "waiting before the log is opened";
  std::uint64_t waiting = 0;
  for (const core::Lane lane : core::kLanes) waiting += backlog(desk_.log().lane_state(lane));
  const auto link = uplink_.link();
  const auto state = rpc::Value::trusted(link).find("state").text().value_or("?");
  return "link " + std::string(state) + ", " + std::to_string(waiting) + " events wait for the hub";
}

std::string Status::metrics() const {
  const Settings& settings = desk_.settings();
  const bool open = desk_.is_open();
  const Disk disk = disk_of(settings.gateway.state);
  const Traffic traffic = traffic_();
  const std::string link = uplink_.link();
  const bool up = rpc::Value::trusted(link).find("state").text() == "up";
  http::PrometheusText out;
  out.family("sluice_info", "gauge", "What runs here.")
      .sample({{"gateway", settings.id->text()}, {"version", SLUICE_VERSION}}, 1);
  out.family("sluice_uptime_seconds", "gauge", "Time since sluiced started.")
      .sample(static_cast<double>(clock_.monotonic_ns() - started_ns_) / 1e9);
  out.family("sluice_clock_trusted", "gauge", "1 if the kernel says that the clock is right.")
      .sample(clock_.trusted() ? 1 : 0);
  out.family("sluice_disk_free_bytes", "gauge", "Room on the state folder's filesystem.")
      .sample(disk.free);
  out.family("sluice_disk_total_bytes", "gauge", "Size of the state folder's filesystem.")
      .sample(disk.total);
  out.family("sluice_rpc_connections", "gauge", "Clients of ingest.sock and uplink.sock.")
      .sample(traffic.rpc_connections);
  out.family("sluice_http_connections", "gauge", "Clients of HTTP.")
      .sample(traffic.http_connections);
  out.family("sluice_http_requests_total", "counter", "HTTP requests served.")
      .sample(traffic.http_requests);
  out.family("sluice_appends_waiting", "gauge", "Clients that wait for room in the queue.")
      .sample(desk_.waiting());
  out.family("sluice_uplink_connected", "gauge", "1 if sluice-uplink is connected to sluiced.")
      .sample(uplink_.connected() ? 1 : 0);
  out.family("sluice_link_up", "gauge", "1 if the uplink says that the hub is reached.")
      .sample(up ? 1 : 0);
  add_link_metrics(out, rpc::Value::trusted(link));
  const auto acks = acks_.counters();
  out.family("sluice_hub_ack_waiting", "gauge",
             "Appends that are stored and wait for the hub (ack = \"hub\").")
      .sample(acks.hub_waiting);
  out.family("sluice_memory_acks_total", "counter", "Events answered from memory.")
      .sample(acks.memory_taken);
  out.family("sluice_memory_acks_lost_total", "counter",
             "Events answered from memory that the log refused afterwards.")
      .sample(acks.memory_lost);
  out.family("sluice_forks_seen", "gauge", "ForkSeen events that the log retains (at most 8).")
      .sample(forks_.count());
  out.family("sluice_log_open", "gauge", "1 if events can be appended.")
      .sample(open && failure().empty() ? 1 : 0);
  if (open) {
    const auto counters = desk_.log().counters();
    const auto wear = wear_.since_start(counters.commits, counters.appended);
    out.family("sluice_device_written_bytes", "gauge",
               "Written to the state folder's device since the start.")
        .sample({{"source", wear.measured ? "device" : "estimate"}}, wear.bytes);
    add_log_metrics(out, counters);
    std::array<storage::LaneState, core::kLaneCount> lanes;
    for (const core::Lane lane : core::kLanes)
      lanes[core::index(lane)] = desk_.log().lane_state(lane);
    add_lane_metrics(out, lanes, settings.log, clock_.wall_ns());
  }
  return out.text();
}

}  // namespace sluice::gateway
