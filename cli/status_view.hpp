// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.hpp"
#include "core/json.hpp"
#include "core/result.hpp"

namespace sluice::cli {

// What `status` knows of a gateway, from sluiced's answer or from a state folder. What is not known
// stays empty, and is left out or said to be unknown. Times are Unix nanoseconds, ages nanoseconds.
struct StatusView {
  struct LaneView {
    std::string name;
    std::uint64_t first = 0, last = 0, acked = 0;
    std::uint64_t bytes = 0;
    std::optional<std::uint64_t> quota_bytes;
    std::int64_t oldest_unacked_wall_ns = 0;  // 0: nothing waits
    std::optional<double> rate;               // events/s that the hub acknowledges
    std::string ack;                          // when an append is answered; empty: not said
    std::uint64_t backlog() const { return last > acked ? last - acked : 0; }
    // Until the backlog is gone at this rate; nullopt without a rate.
    std::optional<std::int64_t> time_to_empty_ns() const;
  };
  struct LinkView {
    std::string state;  // up, down, connecting, stopped; "unknown" without an uplink's word
    std::optional<std::int64_t> since_wall_ns;  // when it came into this state
    std::string last_error;
    std::optional<std::int64_t> next_try_ms;
    std::string url, server, hub_stream, hub_created;
    std::optional<std::uint64_t> bytes_sent_today, bytes_received_today;
    std::string report;  // why the report could not be written; empty if all is well
    std::string clone;   // not empty: stopped because another machine has this gateway's id
    std::string rewind;  // of a rewind that runs or waits for an operator, in its own words
  };
  // What this run wrote to the card.
  struct WearView {
    std::uint64_t bytes = 0, events = 0;
    bool measured = false;              // by the block device; else an estimate
    std::uint64_t endurance_bytes = 0;  // of the card's data sheet; 0: not configured
  };
  // The log's history came apart; the newest first.
  struct ForkView {
    std::string kind, lane, words, what_to_do;
    std::int64_t at_wall_ns = 0;
  };

  std::string gateway, epoch, version;
  std::optional<std::int64_t> uptime_ns;
  std::vector<LaneView> lanes;
  LinkView link;
  std::optional<std::uint64_t> disk_free, disk_total;
  std::optional<double> disk_bytes_per_day;  // at the pace since sluiced started
  std::optional<std::int64_t> wall_ns;
  std::optional<bool> clock_trusted;
  std::optional<WearView> wear;
  std::vector<ForkView> forks;
  std::optional<std::uint64_t> wal_bytes, dedup_window_ms;
  std::string refusing;    // why nothing can be stored for now; empty while it can
  std::string disk_level;  // "ok", "soft" or "hard"; empty: not said
  std::uint64_t early_segments = 0, dropped_events = 0;  // gone for want of room, since the start
  std::uint64_t hub_ack_waiting = 0;  // appends that are stored and wait for the hub's word
  std::uint64_t memory_taken = 0, memory_lost = 0;
  std::string failure;  // the log stopped by itself
  std::string state_folder;
  std::string from;  // who says so: "sluiced" or "state folder"

  std::uint64_t backlog() const;
  std::int64_t oldest_unacked_wall_ns() const;  // over all lanes; 0: nothing waits
  // Until the disk is full at the pace of this run; nullopt if that cannot be said.
  std::optional<double> disk_days_left() const;
  // Device bytes per event of this run, and how long a new card would last at its pace; nullopt
  // while the run is too short, or (the latter) without a data sheet's figure.
  std::optional<double> device_bytes_per_event() const;
  std::optional<double> card_days() const;
};

// sluiced's `status` answer as JSON.
core::Result<StatusView> view_of(const core::json::value& status);

// One screen of text. `now_ns`: this machine's wall clock.
std::string status_text(const StatusView& view, std::int64_t now_ns);

// For monitoring: one line in Nagios' form, and its exit code (0 ok, 1 warning, 2 critical).
struct Verdict {
  int code = 0;
  std::string line;
};
struct Thresholds {
  std::int64_t warning_age_ns = 15ll * 60 * 1'000'000'000;  // of the oldest event that waits
  std::int64_t critical_age_ns = 24ll * 3600 * 1'000'000'000;
  double warning_disk_days = 7;
};
Verdict judge(const StatusView& view, const Thresholds& limits, std::int64_t now_ns);

}  // namespace sluice::cli
