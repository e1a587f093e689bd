// SPDX-License-Identifier: Apache-2.0
#include "cli/status_view.hpp"

#include <algorithm>

#include "cli/shown_text.hpp"
#include "core/ids.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr std::int64_t kShortestRunNs = 60'000'000'000;  // before that a pace says nothing

// A field of a document, wherever the path leads; null where it leads nowhere.
json::value at(const json::value& from, std::initializer_list<const char*> path) {
  const json::value* here = &from;
  for (const char* key : path) {
    const json::object* object = here->if_object();
    here = object != nullptr ? object->if_contains(key) : nullptr;
    if (here == nullptr) return nullptr;
  }
  return *here;
}

template <class T>
std::optional<T> number(const json::value& value) {
  if (value.is_int64()) return static_cast<T>(value.get_int64());
  if (value.is_uint64()) return static_cast<T>(value.get_uint64());
  if (value.is_double()) return static_cast<T>(value.get_double());
  return std::nullopt;
}

// Each in one line: the view's text is written line by line.
std::string text(const json::value& value) {
  return value.is_string() ? shown(value.get_string()) : std::string();
}

StatusView::LaneView lane_view(const json::value& status, std::string_view name) {
  const std::string key(name);
  const auto field = [&](const char* what) { return at(status, {"lanes", key.c_str(), what}); };
  StatusView::LaneView lane;
  lane.name = key;
  lane.first = number<std::uint64_t>(field("first")).value_or(0);
  lane.last = number<std::uint64_t>(field("last")).value_or(0);
  lane.acked = number<std::uint64_t>(field("acked")).value_or(0);
  lane.bytes = number<std::uint64_t>(field("bytes")).value_or(0);
  lane.quota_bytes = number<std::uint64_t>(field("quota_bytes"));
  lane.oldest_unacked_wall_ns = number<std::int64_t>(field("oldest_unacked_wall_ns")).value_or(0);
  lane.ack = text(field("ack"));
  lane.rate = number<double>(at(status, {"link", "lanes", key.c_str(), "rate"}));
  // The uplink knows of acks a little before the log does.
  if (const auto acked = number<std::uint64_t>(at(status, {"link", "lanes", key.c_str(), "acked"})))
    lane.acked = std::min(std::max(lane.acked, *acked), lane.last);
  return lane;
}

StatusView::LinkView link_view(const json::value& status) {
  StatusView::LinkView link;
  const auto field = [&](const char* what) { return at(status, {"link", what}); };
  link.state = text(field("state"));
  if (link.state.empty()) link.state = "unknown";
  link.since_wall_ns = number<std::int64_t>(field("since_ns"));
  link.last_error = text(field("last_error"));
  link.next_try_ms = number<std::int64_t>(field("next_try_ms"));
  link.url = text(field("url"));
  link.server = text(field("server"));
  link.hub_stream = text(field("hub_stream"));
  link.hub_created = text(field("hub_created"));
  link.bytes_sent_today = number<std::uint64_t>(field("bytes_sent_today"));
  link.bytes_received_today = number<std::uint64_t>(field("bytes_received_today"));
  link.clone = text(field("clone"));
  link.report = text(field("report"));
  link.rewind = text(field("rewind"));
  return link;
}

// What was appended since the start, in bytes of the log as it lies on the disk.
std::optional<double> bytes_per_day(const StatusView& view, const json::value& status) {
  const auto appended = number<double>(at(status, {"counters", "appended"}));
  if (!appended || !view.uptime_ns || *view.uptime_ns < kShortestRunNs) return std::nullopt;
  double bytes = 0;
  double events = 0;
  for (const StatusView::LaneView& lane : view.lanes) {
    bytes += static_cast<double>(lane.bytes);
    events += static_cast<double>(lane.last + 1 - lane.first);
  }
  if (events < 1) return std::nullopt;
  return *appended * (bytes / events) / static_cast<double>(*view.uptime_ns) * 86400e9;
}

// What the log has been through, and what it costs the card.
void add_condition(StatusView& view, const json::value& status) {
  if (const auto bytes = number<std::uint64_t>(at(status, {"wear", "bytes"})))
    view.wear = StatusView::WearView{
        *bytes, number<std::uint64_t>(at(status, {"wear", "events"})).value_or(0),
        text(at(status, {"wear", "source"})) == "device",
        number<std::uint64_t>(at(status, {"wear", "endurance_bytes"})).value_or(0)};
  const json::value forks = at(status, {"forks"});
  if (forks.is_array())
    for (const json::value& fork : forks.get_array())
      view.forks.push_back({text(at(fork, {"kind"})), text(at(fork, {"lane"})),
                            text(at(fork, {"words"})), text(at(fork, {"do"})),
                            number<std::int64_t>(at(fork, {"at_ns"})).value_or(0)});
  view.wal_bytes = number<std::uint64_t>(at(status, {"counters", "wal_bytes"}));
  view.dedup_window_ms = number<std::uint64_t>(at(status, {"dedup_window_ms"}));
  view.refusing = text(at(status, {"refusing"}));
  view.disk_level = text(at(status, {"disk", "level"}));
  view.early_segments =
      number<std::uint64_t>(at(status, {"counters", "early_segments"})).value_or(0);
  view.dropped_events =
      number<std::uint64_t>(at(status, {"counters", "dropped_events"})).value_or(0);
  view.hub_ack_waiting = number<std::uint64_t>(at(status, {"acks", "hub_waiting"})).value_or(0);
  view.memory_taken = number<std::uint64_t>(at(status, {"acks", "memory_taken"})).value_or(0);
  view.memory_lost = number<std::uint64_t>(at(status, {"acks", "memory_lost"})).value_or(0);
}

}  // namespace

std::optional<std::int64_t> StatusView::LaneView::time_to_empty_ns() const {
  if (!rate || *rate <= 0 || backlog() == 0) return std::nullopt;
  return static_cast<std::int64_t>(static_cast<double>(backlog()) / *rate * 1e9);
}

std::uint64_t StatusView::backlog() const {
  std::uint64_t sum = 0;
  for (const LaneView& lane : lanes) sum += lane.backlog();
  return sum;
}

std::int64_t StatusView::oldest_unacked_wall_ns() const {
  std::int64_t oldest = 0;
  for (const LaneView& lane : lanes)
    if (lane.backlog() > 0 && lane.oldest_unacked_wall_ns > 0 &&
        (oldest == 0 || lane.oldest_unacked_wall_ns < oldest))
      oldest = lane.oldest_unacked_wall_ns;
  return oldest;
}

std::optional<double> StatusView::disk_days_left() const {
  if (!disk_free || !disk_bytes_per_day || *disk_bytes_per_day < 1) return std::nullopt;
  return static_cast<double>(*disk_free) / *disk_bytes_per_day;
}

std::optional<double> StatusView::device_bytes_per_event() const {
  if (!wear || wear->events == 0 || !uptime_ns || *uptime_ns < kShortestRunNs) return std::nullopt;
  return static_cast<double>(wear->bytes) / static_cast<double>(wear->events);
}

std::optional<double> StatusView::card_days() const {
  if (!device_bytes_per_event() || wear->endurance_bytes == 0 || wear->bytes == 0)
    return std::nullopt;
  const double bytes_per_day =
      static_cast<double>(wear->bytes) / static_cast<double>(*uptime_ns) * 86400e9;
  return static_cast<double>(wear->endurance_bytes) / bytes_per_day;
}

core::Result<StatusView> view_of(const json::value& status) {
  if (!status.is_object() || text(at(status, {"gateway"})).empty())
    return core::fail(core::Errc::kCorrupt, "the gateway's answer to status has another form");
  StatusView view;
  view.from = text(at(status, {"from"}));
  if (view.from.empty()) view.from = "sluiced";
  view.gateway = text(at(status, {"gateway"}));
  view.epoch = text(at(status, {"epoch"}));
  view.version = text(at(status, {"version"}));
  view.uptime_ns = number<std::int64_t>(at(status, {"uptime_ns"}));
  view.state_folder = text(at(status, {"state_folder"}));
  view.failure = text(at(status, {"failure"}));
  const json::value lanes = at(status, {"lanes"});  // empty while sluiced has not opened its log
  for (const core::Lane lane : core::kLanes)
    if (lanes.is_object() && lanes.get_object().contains(core::lane_name(lane)))
      view.lanes.push_back(lane_view(status, core::lane_name(lane)));
  view.link = link_view(status);
  add_condition(view, status);
  view.disk_free = number<std::uint64_t>(at(status, {"disk", "free"}));
  view.disk_total = number<std::uint64_t>(at(status, {"disk", "total"}));
  view.disk_bytes_per_day = bytes_per_day(view, status);
  view.wall_ns = number<std::int64_t>(at(status, {"clock", "wall_ns"}));
  const json::value trusted = at(status, {"clock", "trusted"});
  if (trusted.is_bool()) view.clock_trusted = trusted.get_bool();
  return view;
}

}  // namespace sluice::cli
