// SPDX-License-Identifier: Apache-2.0
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>

#include "cli/disk_probe.hpp"
#include "cli/doctor.hpp"
#include "cli/output.hpp"
#include "cli/run_program.hpp"
#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "core/text.hpp"
#include "storage/filesystem.hpp"

// The checks that need nothing but this machine.
namespace sluice::cli {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr double kDayNs = 86400e9;
constexpr std::int64_t kBuiltNs = 1'790'000'000 * kSecondNs;  // no clock is right that is older

std::string ms(std::uint64_t ns) {
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.2f ms", static_cast<double>(ns) / 1e6);
  return out.data();
}

// Events per day by the log's own stamps, over what it retains of all lanes.
double events_per_day(storage::LogReader& log) {
  double rate = 0;
  for (const core::Lane lane : core::kLanes) {
    const auto state = log.lane_state(lane);
    if (!state || state->last <= state->first) continue;
    const auto first = log.read_lane(lane, state->first, 1);
    const auto last = log.read_lane(lane, state->last, 1);
    if (!first || !last || first->empty() || last->empty()) continue;
    const auto begin = codec::decode_trusted(first->front().body);
    const auto end = codec::decode_trusted(last->front().body);
    if (!begin || !end) continue;
    const auto span = static_cast<double>(end->recorded.wall_ns - begin->recorded.wall_ns);
    if (span > 60e9) rate += static_cast<double>(state->last - state->first) / span * kDayNs;
  }
  return rate;
}

std::string days_of_flash(double events_per_day, std::uint64_t disk_bytes) {
  // Measured at the block device: 14.4 KB for an event that is committed alone, 0.95 KB in a batch
  // of 100. 1,000 full writes is what plain consumer flash is good for.
  const double alone = static_cast<double>(disk_bytes) * 1000 / (events_per_day * 14'400);
  const double batched = static_cast<double>(disk_bytes) * 1000 / (events_per_day * 950);
  const auto days = [](double d) {
    return d > 36500 ? std::string("over 100 years")
                     : with_thousands(static_cast<std::uint64_t>(d)) + " days";
  };
  return days(alone) + " of flash if every event is committed alone, " + days(batched) +
         " in batches of 100 (at 1,000 full writes of it)";
}

}  // namespace

Finding check_config(Patient& patient) {
  // The daemon's own check sees all of the file, and what it refers to.
  const auto checked =
      run_program({program_beside("sluiced"), "--check-config", "--config", patient.config_file});
  if (checked && checked->code != 0 && checked->code != kNotStarted)
    return failed(checked->output,
                  "Correct the file, or name another with --config. `sluiced --print-config` shows "
                  "all keys and their defaults.");
  auto uplink = sync::load_uplink_settings(patient.config_file);
  if (!uplink)
    return failed(uplink.error().message, "Correct the file, or name another: --config.");
  patient.uplink = std::move(*uplink);
  patient.road = HubRoad{.login = patient.uplink->login,
                         .client = "sluice-doctor",
                         .inbox_prefix = core::gateway_inbox_prefix(patient.uplink->id),
                         .section = "[uplink]"};
  const std::string words = patient.config_file + ": gateway " + patient.uplink->id + ", shard " +
                            patient.uplink->shard + ", state in " + patient.uplink->state;
  if (!checked || checked->code == kNotStarted)
    return warn(words + "; the sections of sluiced were not checked", "Is sluiced installed?");
  return found(words);
}

Finding check_state_folder(Patient& patient) {
  if (!patient.uplink) return skipped("the configuration does not say where it is");
  const std::filesystem::path folder = patient.uplink->state;
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
    return failed(
        folder.string() + " does not exist",
        "The package makes it; by hand: install -d -o sluice -g sluice " + folder.string());
  if (access(folder.c_str(), W_OK) != 0)
    return failed(folder.string() + " is not writable for this user",
                  "Run doctor as root or as the user that sluiced runs as.");
  struct statvfs space {};
  if (statvfs(folder.c_str(), &space) != 0)
    return failed(folder.string() + " cannot be looked at",
                  "Is its disk mounted and sound? See dmesg.");
  const std::uint64_t free = std::uint64_t{space.f_bavail} * space.f_frsize;
  std::string words = folder.string() + ": " + core::human_bytes(free) + " free";
  if (const auto verdict = storage::judge_folder(folder); verdict.fitness != storage::Fitness::kFit)
    return warn(words + ", but " + std::string(verdict.why),
                "Put the state folder on ext4, xfs, btrfs or f2fs on local flash or disk, with its "
                "usual mount options.");

  const std::filesystem::path log_folder = patient.uplink->log_folder();
  if (!std::filesystem::exists(log_folder, ignored)) return found(words + ", no log yet");
  auto log = storage::LogReader::open(log_folder);
  if (!log)
    return failed("the log cannot be opened: " + core::to_string(log.error()),
                  "Keep the folder as it is and look at what sluiced says: journalctl -u sluiced");
  patient.log = std::move(*log);
  if (patient.log->gateway().text() != patient.uplink->id)
    return failed("the log belongs to gateway " + patient.log->gateway().text(),
                  "Set [gateway] id to that name, or give this gateway a state folder of its own.");
  patient.events_per_day = events_per_day(*patient.log);
  std::uint64_t events = 0;
  for (const core::Lane lane : core::kLanes)
    if (const auto state = patient.log->lane_state(lane)) events += state->last + 1 - state->first;
  return found(words + ", " + with_thousands(events) + " events in the log");
}

Finding check_disk(Patient& patient) {
  if (!patient.uplink) return skipped("the configuration does not say where it is");
  const std::filesystem::path folder = patient.uplink->state;
  const auto figures = probe_disk(
      folder, std::chrono::milliseconds(std::lround(patient.disk_seconds * 1000)), patient.clock);
  if (!figures)
    return failed(figures.error().message, "Is the disk full, or mounted read-only? See dmesg.");
  if (figures->syncs == 0) return skipped("no time was given to it");
  const double per_second = 1e9 / static_cast<double>(figures->p50_ns);
  std::string words =
      "a write is on the disk in " + ms(figures->p50_ns) + " (p50), " + ms(figures->p99_ns) +
      " (p99), " + ms(figures->max_ns) + " at worst: expect " +
      with_thousands(static_cast<std::uint64_t>(per_second)) +
      " events/s from one client that waits, about " +
      with_thousands(static_cast<std::uint64_t>(std::min(per_second * 100, 200e3))) +
      " from a hundred";
  struct statvfs space {};
  if (patient.events_per_day > 0 && statvfs(folder.c_str(), &space) == 0)
    words += "; at the log's " +
             with_thousands(static_cast<std::uint64_t>(patient.events_per_day)) +
             " events a day: " +
             days_of_flash(patient.events_per_day, std::uint64_t{space.f_blocks} * space.f_frsize);
  Finding finding = found(words);
  if (figures->p50_ns < 20'000)
    finding = warn(words,
                   "That is faster than any flash can sync: this disk may not honour flush "
                   "(nobarrier, a volatile cache, a virtual disk), and a power cut could "
                   "take acknowledged events.");
  else if (figures->p99_ns > 250'000'000)
    finding = warn(words,
                   "Such pauses delay every answer. Give telemetry a longer "
                   "commit_interval, or use a better card (A2, or industrial).");
  finding.figures = {{"syncs", figures->syncs},
                     {"p50_ns", figures->p50_ns},
                     {"p99_ns", figures->p99_ns},
                     {"max_ns", figures->max_ns},
                     {"events_per_day", patient.events_per_day}};
  return finding;
}

Finding check_clock(Patient& patient) {
  const std::int64_t now = patient.clock.wall_ns();
  const std::string words = "it is " + core::format_time(now / kSecondNs * kSecondNs);
  if (now < kBuiltNs)
    return failed(
        words + ", which is before this program was built",
        "Set the clock (NTP, an RTC). Nothing is lost meanwhile and order does not depend "
        "on it, but times of events are wrong, and TLS may fail.");
  if (!patient.clock.trusted())
    return warn(words + ", but the kernel says that nobody keeps it right",
                "Run an NTP client (systemd-timesyncd, chrony): timedatectl status");
  return found(words + ", synchronised");
}

}  // namespace sluice::cli
