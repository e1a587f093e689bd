// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"

// The words of the gate (gate.hpp). Plain values: no SQLite, no NATS, no clock.
namespace sluice::projection {

// Names one row of the gate. A view: the gateway's text belongs to the caller.
struct RowRef {
  std::string_view gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
};

enum class RowState : std::uint8_t {
  kUnopened = 0,  // events were seen, its EpochOpened was not: all are held
  kWaiting = 1,   // opened, but its predecessor epoch is not complete: all are held
  kOpen = 2,      // `next` is applied as soon as it comes
};

// How a row got its first seq.
enum class RowStart : std::uint8_t {
  kWhole = 0,      // by its EpochOpened, nothing before it is missing
  kAvailable = 1,  // history = available: at the lowest seq that the hub stream still had
  kSkipped = 2,    // an operator stepped over a beginning that never came
};

// Whether a row is the one of its lane whose events took effect last, and how.
enum class Running : std::uint8_t {
  kNot = 0,
  kOnTime = 1,
  kLate = 2,  // its epoch was not the gateway's newest
};

// What was read but had no room in the lane's share of held events.
struct NotStored {
  std::string hub_stream;
  std::uint64_t hub_seq = 0;  // the lowest hub-stream sequence of them
  core::Seq seq = 0;          // the lowest seq of them
  bool operator==(const NotStored&) const = default;
};

// One row of the gate, per (gateway, epoch, lane). Never deleted while the model exists.
struct GateRow {
  std::int64_t id = 0;  // the store's own key
  std::string gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;

  RowState state = RowState::kUnopened;
  RowStart start = RowStart::kWhole;
  core::Seq first = 0;   // first seq of the row, 0 while unopened
  core::Seq next = 0;    // the one seq that may be applied next, 0 while unopened
  core::Epoch previous;  // as EpochOpened says; 0: none, or not known
  core::Seq previous_last = 0;
  core::Seq wake_at = 0;  // a waiting successor opens when `next` reaches this; 0: none waits
  // Where the epoch stands among the gateway's epochs; the same in all its lanes. Set once open.
  std::int64_t order = 0;
  bool aside = false;  // a bundle brought it while the gateway ran another log: never the newest
  Running running = Running::kNot;

  std::uint64_t held = 0;       // held items, gap records included
  std::uint64_t held_gaps = 0;  // held gap records
  std::uint64_t absent = 0;     // seqs stepped over (gap records and skips)
  std::int64_t since_ns = 0;    // when it began to wait or to be opened (hub's clock)
  std::uint64_t since_hub_seq = 0;
  std::optional<NotStored> not_stored;

  RowRef ref() const { return {gateway, epoch, lane}; }
  bool operator==(const GateRow&) const = default;
};

// An event or a gap record that waits for what is missing below it.
struct HeldItem {
  core::Seq seq = 0;
  core::Seq to = 0;  // 0: an event; else a gap record [seq, to]
  std::uint64_t hub_seq = 0;
  std::int64_t seen_ns = 0;
  std::string body;           // empty: an event that has no effect
  std::int64_t clock_ns = 0;  // of the copy that is held; one that comes later does not change it
  bool is_gap() const { return to != 0; }
};

// One message that passed check_message (arrival.hpp). Views: nothing is owned.
struct Arrival {
  core::EventView event;
  std::string_view body;
  std::optional<core::Gap> gap;             // set for a gap record
  std::optional<core::EpochOpened> opened;  // set for EpochOpened, or a gap record that covers it
  std::string_view hub_stream;
  std::uint64_t hub_seq = 0;
  std::int64_t now_ns = 0;    // the reader's wall clock
  std::int64_t clock_ns = 0;  // the Sluice-Clock header: to be added to its recorded wall time
  bool aside = false;         // the Sluice-Late header: see GateRow::aside
  // Its subject says already that it has no effect here: of the event only gateway, epoch, lane and
  // seq are known, and the body was not looked at.
  bool no_effect = false;
  RowRef row() const { return {event.gateway, event.epoch, event.lane}; }
};

enum class Verdict : std::uint8_t {
  kApplied,      // it, and what it set free, went to the sink in order
  kDuplicate,    // applied, stepped over or held before: nothing changed
  kBeforeStart,  // below the first seq of a row that began with what was available
  kHeld,         // stored until what is missing below it comes
  kNotStored,    // must be held, but the lane's share is full: will be read again
  kLate,         // lies in a range that was given up: went to the sink's late()
  kPoison,       // contradicts what this epoch said before; nothing changed
};

// Read the hub stream again from here: what had no room before can be taken now.
struct Reread {
  std::string hub_stream;
  std::uint64_t hub_seq = 0;
};

struct Answer {
  Verdict verdict = Verdict::kDuplicate;
  std::uint64_t applied = 0;  // events handed to the sink
  std::uint64_t absent = 0;   // seqs stepped over by a gap record or a skip
  std::string why;            // for kPoison
  std::vector<Reread> reread;
};

// What an operator may give up of a row. from 0: no event, only the wait for its predecessor, of
// which all up to `to` has come.
struct HoleRange {
  core::Seq from = 0;
  core::Seq to = 0;
  bool is_wait() const { return from == 0; }
  bool operator==(const HoleRange&) const = default;
};

// What is missing in a lane, as far as the gate can see.
struct Hole {
  enum class Kind : std::uint8_t {
    kMissing,      // between what was applied and what is held
    kBeginning,    // the epoch's EpochOpened never came; `from` is 1, the true first is not known
    kPredecessor,  // a successor waits for [from, to] of this epoch
  };
  std::string gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq from = 0;
  core::Seq to = 0;
  Kind kind = Kind::kMissing;
  std::int64_t since_ns = 0;        // when what lies behind the hole was first read
  std::uint64_t since_hub_seq = 0;  // and its hub-stream sequence
  std::uint64_t held = 0;           // items that wait in this row
};

}  // namespace sluice::projection
