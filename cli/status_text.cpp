// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "cli/output.hpp"
#include "cli/status_view.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kForkNewsNs = 7 * 24 * 3600 * kSecondNs;  // it is a warning for a week
constexpr std::int64_t kFirstPlausibleWallNs = 1'600'000'000 * kSecondNs;  // 2020-09-13

std::string with_decimals(double number, int decimals) {
  char out[32];
  std::snprintf(out, sizeof out, "%.*f", decimals, number);
  return out;
}

std::string age(std::int64_t then_wall_ns, std::int64_t now_ns) {
  if (then_wall_ns < kFirstPlausibleWallNs) return "unknown (no clock then)";
  return then_wall_ns > now_ns ? "0 s" : core::human_duration(now_ns - then_wall_ns);
}

std::string link_text(const StatusView::LinkView& link, std::int64_t now_ns) {
  std::string line = "link     " + link.state;
  if (link.since_wall_ns && *link.since_wall_ns > 0)
    line += " for " + age(*link.since_wall_ns, now_ns);
  if (!link.server.empty()) line += ", " + link.server;
  if (!link.url.empty() && link.url != link.server) line += " (" + link.url + ")";
  if (link.state != "up" && link.next_try_ms.value_or(0) > 0)
    line += ", next try in " + core::human_duration(*link.next_try_ms * 1'000'000);
  if (link.state == "unknown")
    line += ": no uplink has said anything; is sluice-uplink running? (sluice doctor)";
  if (!link.clone.empty()) line += "\n         STOPPED AS A CLONE: " + link.clone;
  if (!link.last_error.empty()) line += "\n         last error: " + link.last_error;
  if (!link.rewind.empty()) line += "\n         rewind: " + link.rewind;
  if (!link.report.empty()) line += "\n         report: " + link.report;
  return line;
}

std::string lanes_text(const StatusView& view, std::int64_t now_ns) {
  Table table(
      {"lane", "last seq", "at the hub", "waiting", "oldest", "events/s", "empty in", "on disk"});
  for (const StatusView::LaneView& lane : view.lanes) {
    const bool waits = lane.backlog() > 0;
    const auto empty_in = lane.time_to_empty_ns();
    table.add(
        {lane.name, with_thousands(lane.last), with_thousands(lane.acked),
         with_thousands(lane.backlog()),
         waits && lane.oldest_unacked_wall_ns > 0 ? age(lane.oldest_unacked_wall_ns, now_ns) : "-",
         lane.rate ? with_decimals(*lane.rate, *lane.rate < 10 ? 1 : 0) : "-",
         empty_in ? core::human_duration(*empty_in) : "-",
         core::human_bytes(lane.bytes) +
             (lane.quota_bytes ? " of " + core::human_bytes(*lane.quota_bytes) : "")});
  }
  return table.text();
}

std::string disk_text(const StatusView& view) {
  if (!view.disk_free) return {};
  std::string line = "disk     " + core::human_bytes(*view.disk_free) + " free";
  if (view.disk_total) line += " of " + core::human_bytes(*view.disk_total);
  if (view.disk_level == "soft") line += ", BELOW disk_soft: what the hub has goes early";
  if (view.disk_level == "hard") line += ", BELOW disk_hard: each lane's policy decides";
  if (const auto days = view.disk_days_left())
    line += ", " + (*days > 3650 ? "more than 10 years" : with_decimals(*days, 0) + " days") +
            " left at this pace if nothing is trimmed";
  return line + "\n";
}

// Only what differs from the rule: answered when the event is on the disk.
std::string acks_text(const StatusView& view) {
  std::string line;
  for (const StatusView::LaneView& lane : view.lanes) {
    if (lane.ack == "hub")
      line += (line.empty() ? "" : "; ") + ("lane " + lane.name) + " when the hub has it";
    if (lane.ack == "memory")
      line += (line.empty() ? "" : "; ") + ("lane " + lane.name) + " FROM MEMORY";
  }
  if (line.empty()) return {};
  line = "answers  " + line;
  if (view.hub_ack_waiting > 0)
    line += "; " + with_thousands(view.hub_ack_waiting) + " wait for the hub";
  if (view.memory_taken > 0)
    line += "; of " + with_thousands(view.memory_taken) + " from memory " +
            with_thousands(view.memory_lost) + " were refused afterwards";
  return line + "\n";
}

std::string log_text(const StatusView& view) {
  if (!view.dedup_window_ms) return {};
  std::string line =
      *view.dedup_window_ms == 0
          ? "log      no whole segment is at the hub yet: every retained id is known"
          : "log      ids are known for " +
                core::human_duration(static_cast<std::int64_t>(*view.dedup_window_ms) * 1'000'000) +
                " after the hub's ack";
  if (view.wal_bytes) line += ", write-ahead logs " + core::human_bytes(*view.wal_bytes);
  if (view.early_segments > 0)
    line += "\n         for want of room " + with_thousands(view.early_segments) +
            " segments went before their time, with " + with_thousands(view.dropped_events) +
            " events that the hub does not have (gap records stand for them)";
  return line + "\n";
}

// As data sheets write it.
std::string endurance_text(std::uint64_t bytes) {
  constexpr std::uint64_t kTera = 1'000'000'000'000;
  return bytes % kTera == 0 ? std::to_string(bytes / kTera) + " TB"
                            : std::to_string(bytes / 1'000'000'000) + " GB";
}

std::string days_text(double days) {
  return days > 36500 ? "more than 100 years"
                      : with_thousands(static_cast<std::uint64_t>(days)) + " days";
}

std::string card_text(const StatusView& view) {
  const auto per_event = view.device_bytes_per_event();
  if (!per_event) return {};
  const double rate =
      static_cast<double>(view.wear->events) / static_cast<double>(*view.uptime_ns) * 1e9;
  std::string line = "card     " + core::human_bytes(static_cast<std::uint64_t>(*per_event)) +
                     " written per event " +
                     (view.wear->measured ? "(the device's count, others' writes included)"
                                          : "(an estimate: the device does not count)") +
                     " at " + with_decimals(rate, rate < 10 ? 1 : 0) + " events/s";
  if (const auto days = view.card_days())
    line += "; at this pace a new card of " + endurance_text(view.wear->endurance_bytes) +
            " endurance lasts " + days_text(*days);
  return line + "\n";
}

std::string forks_text(const StatusView& view, std::int64_t now_ns) {
  std::string out;
  for (const StatusView::ForkView& fork : view.forks) {
    std::string kind = fork.kind;
    std::replace(kind.begin(), kind.end(), '_', ' ');
    out += "FORK     " + kind + ", " + age(fork.at_wall_ns, now_ns) + " ago: " + fork.words + "\n";
    if (!fork.what_to_do.empty()) out += "         " + fork.what_to_do + "\n";
  }
  return out;
}

std::string clock_text(const StatusView& view, std::int64_t now_ns) {
  if (!view.wall_ns) return {};
  std::string line = "clock    " + core::format_time(*view.wall_ns / kSecondNs * kSecondNs);
  if (view.clock_trusted)
    line += *view.clock_trusted ? ", synchronised"
                                : ", NOT synchronised: times of events are as good as this clock";
  (void)now_ns;
  return line + "\n";
}

}  // namespace

std::string status_text(const StatusView& view, std::int64_t now_ns) {
  std::string out = "gateway  " + view.gateway;
  if (!view.version.empty()) out += ", sluice " + view.version;
  if (view.uptime_ns) out += ", up " + core::human_duration(*view.uptime_ns);
  if (!view.epoch.empty()) out += ", epoch " + view.epoch;
  if (view.from != "sluiced") out += "\n         read from " + view.state_folder;
  if (!view.failure.empty()) out += "\n         THE LOG STOPPED: " + view.failure;
  if (!view.refusing.empty()) out += "\n         NOTHING CAN BE STORED FOR NOW: " + view.refusing;
  out += "\n" + (view.from == "sluiced" ? link_text(view.link, now_ns) + "\n" : std::string());
  out += "\n" +
         (view.lanes.empty() ? "The log is not open yet: the last run was short, so that sluiced "
                               "waits a little (at most a minute)"
                             : lanes_text(view, now_ns)) +
         "\n\n";
  if (!view.link.hub_stream.empty())
    out += "hub      " + view.link.hub_stream +
           (view.link.hub_created.empty() ? "" : ", made " + view.link.hub_created) + "\n";
  if (view.link.bytes_sent_today)
    out += "today    " + core::human_bytes(*view.link.bytes_sent_today) + " sent, " +
           core::human_bytes(view.link.bytes_received_today.value_or(0)) + " received\n";
  out += acks_text(view) + log_text(view) + disk_text(view) + card_text(view);
  out += clock_text(view, now_ns) + forks_text(view, now_ns);
  out.pop_back();
  return out;
}

Verdict judge(const StatusView& view, const Thresholds& limits, std::int64_t now_ns) {
  Verdict verdict;
  std::string why;
  const auto finding = [&](int code, const std::string& words) {
    verdict.code = std::max(verdict.code, code);
    why += (why.empty() ? "" : "; ") + words;
  };
  const std::int64_t oldest = view.oldest_unacked_wall_ns();
  const std::int64_t oldest_age =
      oldest >= kFirstPlausibleWallNs && oldest < now_ns ? now_ns - oldest : 0;
  if (!view.failure.empty()) finding(2, "the log stopped: " + view.failure);
  if (!view.link.clone.empty()) finding(2, "stopped as a clone: " + view.link.clone);
  if (view.link.state != "up")
    finding(1, "link " + view.link.state +
                   (view.link.since_wall_ns.value_or(0) > 0
                        ? " for " + age(*view.link.since_wall_ns, now_ns)
                        : "") +
                   (view.link.last_error.empty() ? "" : " (" + view.link.last_error + ")"));
  if (oldest_age >= limits.critical_age_ns)
    finding(2, "events have waited for " + core::human_duration(oldest_age));
  else if (oldest_age >= limits.warning_age_ns)
    finding(1, "events have waited for " + core::human_duration(oldest_age));
  if (const auto days = view.disk_days_left(); days && *days < limits.warning_disk_days)
    finding(*days < 1 ? 2 : 1, "the disk is full in " + with_decimals(*days, 1) + " days");
  for (const StatusView::LaneView& lane : view.lanes)
    if (lane.quota_bytes && *lane.quota_bytes > 0 && lane.bytes >= *lane.quota_bytes / 10 * 9)
      finding(lane.bytes >= *lane.quota_bytes ? 2 : 1, "lane " + lane.name + " fills its quota");
  if (!view.refusing.empty()) finding(2, "nothing can be stored: " + view.refusing);
  if (view.disk_level == "hard") finding(2, "the disk is nearly full");
  if (view.disk_level == "soft") finding(1, "the disk is filling");
  if (view.dropped_events > 0)
    finding(1, with_thousands(view.dropped_events) + " events were dropped for want of room");
  for (const StatusView::ForkView& fork : view.forks)
    if (now_ns - fork.at_wall_ns < kForkNewsNs && fork.at_wall_ns <= now_ns) {
      finding(1, "fork: " + fork.words);
      break;
    }
  if (view.memory_lost > 0)
    finding(1, with_thousands(view.memory_lost) + " events answered from memory were not stored");
  if (view.clock_trusted && !*view.clock_trusted) finding(1, "the clock is not synchronised");

  static constexpr const char* kWords[] = {"OK", "WARNING", "CRITICAL"};
  verdict.line = "SLUICE " + std::string(kWords[verdict.code]) + " - " + view.gateway + ": " +
                 (why.empty() ? "link up, " + with_thousands(view.backlog()) + " waiting" : why) +
                 " | backlog=" + std::to_string(view.backlog()) +
                 " oldest=" + std::to_string(oldest_age / kSecondNs) + "s";
  if (view.disk_free) verdict.line += " disk_free=" + std::to_string(*view.disk_free) + "B";
  return verdict;
}

}  // namespace sluice::cli
