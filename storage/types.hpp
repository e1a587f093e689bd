// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace sluice::storage {

// What the version of a stream must be for an append to take place.
struct Expected {
  enum class Kind { kAny, kNone, kExists, kExact };
  Kind kind = Kind::kAny;
  std::uint64_t version = 0;  // kExact only
};

// One event as a client gave it. `data` is canonical (codec/data.hpp).
struct NewEvent {
  core::StreamName stream;
  std::string type;
  std::string data;
  std::optional<core::Uuid> id;  // drawn by the log (UUIDv7) if absent
  std::optional<std::int64_t> occurred_at_ns;
  Expected expected;
};

// The unit of atomicity: all of it, in one lane and one transaction, or nothing.
struct AppendRequest {
  std::vector<NewEvent> events;  // 1 to limits::kAtomicAppendEvents
  // Sluice's own events: the reserved category is allowed, and the lane is system.
  bool own = false;
  // Events of this epoch that will never be sent under its name: their ids are not taken for known,
  // unless another epoch has them as well.
  std::optional<core::Epoch> again = {};
};

struct Appended {
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq seq = 0;
  std::uint64_t version = 0;
  core::Uuid id;
  bool duplicate = false;  // known before with the same content; the position is the original one
};

// Called once, on the writer's thread, after the commit (or without one, if refused): return at
// once.
using AppendCallback = std::function<void(core::Result<std::vector<Appended>>)>;

// One row of the log: the encoded body, its checksum already verified.
struct Record {
  core::Seq seq = 0;
  std::string body;
};

// What the log remembers of the hub: all up to `acked` is acked, and `seq` is the event with the
// highest hub-stream sequence among them.
struct Anchor {
  core::Seq acked = 0;
  std::string hub_stream;  // EVENTS-<shard>
  std::string created;     // the hub stream's creation time as the server writes it
  core::Epoch epoch;
  core::Seq seq = 0;
  std::uint64_t hub_seq = 0;
  std::string subject;
  std::string identity;  // the Nats-Msg-Id
};

// An epoch that still has retained events, or the newest.
struct EpochInfo {
  core::Epoch epoch;
  core::Seq first_seq = 0;  // its EpochOpened
  core::EpochOpened opened;
  std::string machine = {};           // that opened it; empty if not known (an older program)
  std::string previous_machine = {};  // that opened the epoch before, as far as it was known then
};

// A range that will never be sent as it is; the uplink sends its gap record instead.
struct SetAside {
  core::Epoch epoch;
  core::Seq from = 0;
  core::Seq to = 0;
  core::GapReason reason = core::GapReason::kOversize;
};

struct LaneState {
  core::Seq first = 0;  // first retained seq; last + 1 if nothing is retained
  core::Seq last = 0;
  core::Seq acked = 0;       // the cursor: the newest anchor's acked, 0 without one
  core::Seq trim_after = 0;  // a rewind runs until the cursor has reached this again; 0: none
  std::uint64_t bytes = 0;   // files of the lane on disk
  std::uint64_t segments = 0;
  std::uint64_t streams = 0;
  std::int64_t oldest_unacked_wall_ns = 0;  // 0 if nothing waits
};

}  // namespace sluice::storage
