// SPDX-License-Identifier: Apache-2.0
#include "gateway/prometheus.hpp"

#include <functional>

namespace sluice::gateway {

void add_log_metrics(http::PrometheusText& out, const storage::EventLog::Counters& counters) {
  out.family("sluice_events_appended_total", "counter", "Events committed since the start.")
      .sample(counters.appended);
  out.family("sluice_events_duplicate_total", "counter", "Appends that were known by their id.")
      .sample(counters.duplicates);
  out.family("sluice_events_refused_total", "counter", "Appends that the log refused.")
      .sample(counters.refused);
  out.family("sluice_commits_total", "counter", "Commits of all lanes.").sample(counters.commits);
  out.family("sluice_commit_queue_events", "gauge", "Events that wait for their commit.")
      .sample(counters.queued);
  out.family("sluice_wal_bytes", "gauge", "Size of all write-ahead logs.")
      .sample(counters.wal_bytes);
  out.family("sluice_segments_trimmed_total", "counter", "Segments removed after their retention.")
      .sample(counters.trimmed_segments);
  out.family("sluice_segments_early_total", "counter",
             "Segments removed before their retention was over, for a quota or the disk.")
      .sample(counters.early_segments);
  out.family("sluice_events_dropped_total", "counter",
             "Unacked events that were dropped for room; gap records stand for them.")
      .sample(counters.dropped_events);
  out.family("sluice_segments_damaged", "gauge",
             "Segments found damaged or missing since log/damaged was emptied.")
      .sample(counters.damaged_segments);
  out.family("sluice_events_damaged", "gauge", "Events that could not be read in these.")
      .sample(counters.damaged_events);
  out.family("sluice_disk_level", "gauge", "Room on the disk: 0 ok, 1 soft, 2 hard.")
      .sample(static_cast<std::uint64_t>(counters.disk_level));
  out.family("sluice_dedup_window_seconds", "gauge",
             "Age of the oldest event at the hub whose id is still known here.")
      .sample(static_cast<double>(counters.dedup_window_ms) / 1e3);
}

void add_lane_metrics(http::PrometheusText& out,
                      const std::array<storage::LaneState, core::kLaneCount>& lanes,
                      const storage::LogSettings& settings, std::int64_t now_wall_ns) {
  using Value = std::function<std::uint64_t(core::Lane, const storage::LaneState&)>;
  const auto gauge = [&](std::string_view name, std::string_view help, const Value& value) {
    out.family(name, "gauge", help);
    for (const core::Lane lane : core::kLanes)
      out.sample({{"lane", core::lane_name(lane)}}, value(lane, lanes[core::index(lane)]));
  };
  using State = storage::LaneState;
  gauge("sluice_lane_first_seq", "First retained seq of the lane.",
        [](core::Lane, const State& lane) { return lane.first; });
  gauge("sluice_lane_last_seq", "Last seq of the lane.",
        [](core::Lane, const State& lane) { return lane.last; });
  gauge("sluice_lane_acked_seq", "Seq up to which the hub has acknowledged all.",
        [](core::Lane, const State& lane) { return lane.acked; });
  gauge("sluice_lane_backlog_events", "Events that wait for the hub.",
        [](core::Lane, const State& lane) {
          return lane.last > lane.acked ? lane.last - lane.acked : 0;
        });
  gauge("sluice_lane_bytes", "Size of the lane's files.",
        [](core::Lane, const State& lane) { return lane.bytes; });
  gauge(
      "sluice_lane_quota_bytes", "Size at which the lane's policy decides.",
      [&](core::Lane lane, const State&) { return settings.lanes[core::index(lane)].quota_bytes; });
  gauge("sluice_lane_segments", "Segments of the lane.",
        [](core::Lane, const State& lane) { return lane.segments; });
  gauge("sluice_lane_streams", "Streams of the lane.",
        [](core::Lane, const State& lane) { return lane.streams; });
  gauge("sluice_lane_oldest_unacked_seconds", "Age, by the wall clock, of the first waiting event.",
        [&](core::Lane, const State& lane) -> std::uint64_t {
          const std::int64_t since = lane.oldest_unacked_wall_ns;
          return since == 0 || now_wall_ns < since
                     ? 0
                     : static_cast<std::uint64_t>(now_wall_ns - since) / 1'000'000'000;
        });
}

}  // namespace sluice::gateway
