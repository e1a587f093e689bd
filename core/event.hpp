// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/hash.hpp"
#include "core/ids.hpp"

namespace sluice::core {

// When the gateway took the event, as raw as it was known then. Nothing here is ever corrected.
struct Recorded {
  std::int64_t wall_ns = 0;
  Uuid boot;
  std::uint64_t monotonic_ns = 0;
  bool trusted = false;
};

// One event in the form of docs/event-format.md, as views into its encoded body. A view is valid as
// long as those bytes stay where they are.
struct EventView {
  std::string_view gateway;
  Epoch epoch;
  Lane lane = Lane::kTelemetry;
  Seq seq = 0;
  std::string_view category;
  std::string_view entity;
  std::uint64_t version = 0;  // 0 only for gap records
  std::optional<std::int64_t> occurred_at_ns;
  Recorded recorded;
  Uuid id;
  std::string_view type;
  std::string_view data;  // MessagePack, canonical (codec/data.hpp)

  StreamName stream() const { return {std::string(category), std::string(entity)}; }
  bool is_reserved() const { return category == kReservedCategory; }
};

// The types of the reserved category that consumers act on.
inline constexpr std::string_view kTypeEpochOpened = "EpochOpened";
inline constexpr std::string_view kTypeGap = "Gap";

// Content of an EpochOpened event: the first event of an epoch in each lane.
struct EpochOpened {
  Epoch previous;                  // 0: this lane had no event before
  Seq last_seq = 0;                // last seq of `previous` in this log (== own seq - 1)
  std::optional<ChainHash> chain;  // chain hash at last_seq, nil if unknown
  std::string reason;              // "start", "created", "restored" ...
};

// Why a range is missing. The words travel: never rename one.
enum class GapReason { kQuota, kTrimmed, kDamaged, kOversize, kLost };
std::string_view gap_reason_word(GapReason reason);
Result<GapReason> parse_gap_reason(std::string_view word);

// Content of a gap record: stands in a lane in the very place of what is missing. Its own seq is
// the first missing one. It never spans two epochs.
struct Gap {
  Seq to = 0;  // last missing seq, >= own seq
  GapReason reason = GapReason::kLost;
  std::optional<ChainHash> chain;     // chain hash at `to`, nil if unknown
  std::optional<EpochOpened> opened;  // set if the range covers the epoch's EpochOpened
};

}  // namespace sluice::core
