// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/config_reader.hpp"
#include "core/ids.hpp"
#include "core/limits.hpp"

namespace sluice::storage {

// What an answer to an append says: the event is on this gateway's disk; the hub has acknowledged
// it as well; or only that it was taken into memory.
enum class AckMode { kDisk, kHub, kMemory };
std::string_view ack_word(AckMode mode);  // "disk", "hub", "memory"

struct LaneSettings {
  std::chrono::milliseconds commit_interval{20};  // how long a commit waits for company
  std::uint64_t quota_bytes = 4ull << 30;         // files of the lane; then `policy` decides
  // "refuse-new": appends are refused. "drop-oldest": the oldest events make room, gap records take
  // the place of those that the hub does not have. In both, acked events go first.
  std::string policy = "refuse-new";
  bool drops_oldest() const { return policy == "drop-oldest"; }
  std::string ack = "disk";  // the word of ack_mode(); lane system: disk
  AckMode ack_mode() const;
};

// [log] and [log.<lane>] of the gateway's configuration.
struct LogSettings {
  std::array<LaneSettings, core::kLaneCount> lanes = {
      LaneSettings{std::chrono::milliseconds{0}, 256ull << 20},   // alarm
      LaneSettings{std::chrono::milliseconds{50}, 64ull << 20},   // system
      LaneSettings{std::chrono::milliseconds{20}, 4ull << 30},    // telemetry
      LaneSettings{std::chrono::milliseconds{100}, 4ull << 30}};  // bulk
  std::chrono::milliseconds retention = std::chrono::hours{24};   // powered-on time after the ack
  std::int64_t streams_max = core::limits::kStreamsPerLane;       // per lane
  std::uint64_t event_bytes_max = core::limits::kEventBytes;      // one encoded body
  std::int64_t queue_events_max = 4096;                           // waiting for a commit, all lanes
  std::uint64_t queue_bytes_max = 4ull << 20;
  // How often the hub's servers sync: what is acked stays here at least ten times as long.
  std::chrono::milliseconds hub_sync_interval = std::chrono::minutes{2};
  // While the filesystem has less room than this, acked events go before their retention is over.
  std::uint64_t disk_soft = 256ull << 20;
  // While it has less than this, the lanes' policies decide: a full disk would block checkpoints
  // and acks as well.
  std::uint64_t disk_hard = 64ull << 20;
  // Kept in <folder>/ballast and given back when a write finds the disk full; 0: none.
  std::uint64_t ballast = 24ull << 20;
  // The longest wait before a start whose predecessor lived less than a minute (start_delay);
  // 0 turns it off.
  std::chrono::milliseconds restart_wait_max = std::chrono::seconds{60};
  // How often a chain mark is made for each lane that went on; sooner after 65,536 events.
  std::chrono::milliseconds mark_interval = std::chrono::minutes{10};
  // With ack = "hub": after this an answer says that the event is stored, but not confirmed.
  std::chrono::milliseconds hub_timeout = std::chrono::seconds{30};
  // What may be written to the card before it wears out, as its data sheet says it ("30TB",
  // "600GB"), for `sluice status`; empty: not known.
  std::string card_endurance;
  std::uint64_t card_endurance_bytes() const;  // 0: not known, or not readable

  // Not in the file: for tests.
  std::uint64_t segment_events = core::limits::kSegmentEvents;
  std::uint64_t segment_bytes = core::limits::kSegmentBytes;
};

void visit(LogSettings& settings, core::SettingsVisitor& visitor);

// Category -> lane; categories not named go to telemetry. `sluice` is refused.
using LaneMap = std::vector<std::pair<std::string, core::Lane>>;

}  // namespace sluice::storage
