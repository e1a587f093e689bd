// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "storage/types.hpp"

// Decisions about room: when a lane or the disk has too little, and what goes first. Pure.
namespace sluice::storage {

// kSoft: acked segments go before their retention is over. kHard: nothing new is taken, but where
// older events may be dropped for it.
enum class DiskLevel { kOk, kSoft, kHard };
std::string_view disk_level_word(DiskLevel level);  // "ok", "soft", "hard"

// Better levels are reached only with a sixteenth more than the mark, so that the level does not
// flicker with each file.
constexpr DiskLevel disk_level(std::uint64_t free, std::uint64_t soft, std::uint64_t hard,
                               DiskLevel was) {
  const auto clear_of = [](std::uint64_t mark) { return mark + mark / 16; };
  if (free < hard || (was == DiskLevel::kHard && free < clear_of(hard))) return DiskLevel::kHard;
  if (free < soft || (was != DiskLevel::kOk && free < clear_of(soft))) return DiskLevel::kSoft;
  return DiskLevel::kOk;
}

// A segment of a lane with a small quota is finished early, so that one can go while the lane works
// on: at an eighth of the quota, but not below 1 MiB.
constexpr std::uint64_t segment_bytes_max(std::uint64_t configured, std::uint64_t quota) {
  return std::min(configured, std::max<std::uint64_t>(quota / 8, 1u << 20));
}

// The least quota with which a drop-oldest lane of that many streams can work: a segment begins
// with every stream's version, in the file and in its WAL, and two of them exist while one is
// finished.
constexpr std::uint64_t quota_needed(std::uint64_t streams) {
  return 4 * 64 * streams;
}
// What the configuration may name: eight segments, and the WAL of the active one.
inline constexpr std::uint64_t kDropOldestQuotaMin = 16ull << 20;

// The part of [from, to] that will never be sent as it is, as rows to be stored: split where an
// epoch begins, without what is set aside already. `epochs` and `known` ascend.
std::vector<SetAside> ranges_to_drop(core::Seq from, core::Seq to,
                                     const std::vector<EpochInfo>& epochs,
                                     const std::vector<SetAside>& known);

// What the log tells of room that it made, or lacks.
struct PressureNote {
  enum class Kind { kWindowShortened, kEventsDropped, kDiskState };
  Kind kind = Kind::kDiskState;
  core::Lane lane = core::Lane::kTelemetry;  // not of kDiskState
  core::Seq from = 0;
  core::Seq to = 0;
  std::uint64_t events = 0;
  std::uint64_t window_ms = 0;       // kWindowShortened: how long acked ids are known now
  std::string_view reason = "";      // "quota" or "disk"
  DiskLevel level = DiskLevel::kOk;  // kDiskState, with the next two
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};

// Joins `note` to one of the same kind and lane that was not told yet, or appends it. States of the
// disk are kept one by one; if there are too many, only the newest.
void add_note(std::vector<PressureNote>& notes, const PressureNote& note);

// As one of Sluice's own events of lane system (docs/event-format.md).
NewEvent make_own_event(const PressureNote& note);

// One shortening of the dedup window is told once: it goes on while segments go early, and ends
// when none did for an hour.
class ShorteningEpisode {
 public:
  // An acked segment goes early at powered-on time `now_ms`; true: this begins an episode.
  bool begins(std::uint64_t now_ms) {
    const bool is_new = !last_ms_ || now_ms - *last_ms_ > kQuietMs;
    last_ms_ = now_ms;
    return is_new;
  }

 private:
  static constexpr std::uint64_t kQuietMs = 60 * 60 * 1000;
  std::optional<std::uint64_t> last_ms_;
};

}  // namespace sluice::storage
