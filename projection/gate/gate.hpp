// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "projection/gate/store.hpp"
#include "projection/gate/types.hpp"

namespace sluice::projection {

// An event that takes effect. Views hold only during the call.
struct Applied {
  const core::EventView& event;
  std::string_view body;
  std::uint64_t hub_seq = 0;
  std::int64_t epoch_order = 0;  // GateRow::order: greater is newer, within a gateway
  bool is_late = false;          // its epoch is not the gateway's newest
  std::int64_t clock_ns = 0;     // as Arrival::clock_ns, of the copy that was read first
};

// What the gate lets through. An error ends the batch, which the caller rolls back.
class GateSink {
 public:
  virtual ~GateSink() = default;
  // In order within the lane, each identity once for ever.
  virtual core::Result<void> apply(const Applied& applied) = 0;
  // An event without effect had its turn.
  virtual core::Result<void> pass() { return {}; }
  // An event of a range that was given up. Called again for each copy of it: keep it by identity.
  virtual core::Result<void> late(const core::EventView& event, std::string_view body,
                                  std::uint64_t hub_seq) = 0;
};

enum class History : std::uint8_t {
  kWhole,      // each lane from its first epoch on
  kAvailable,  // what a hub stream without its beginning still has
};

struct GateSettings {
  History history = History::kWhole;
  bool beginning_missing = false;  // the hub stream had lost its beginning when the model was new
  std::uint64_t held_items_max = 16'384;     // per (gateway, lane)
  std::uint64_t held_bytes_max = 16u << 20;  // per (gateway, lane)
  std::uint64_t seed_messages = 256;         // one window of the uplink
};

// Decides which events of the hub take effect, in which order: docs/models.md, "The gate". It keeps
// no state of its own; the same arrivals over the same store give the same answers. One thread.
//
// Forks: an EpochOpened whose last_seq lies below what was applied of its predecessor (a lost tail,
// an old copy) opens at once, and what was applied stays; of two epochs with one predecessor
// (clones) both go on. An epoch is never shut: what still comes of it in order is applied.
//
// Order of a gateway's epochs: as they were opened here, but an epoch is older than its successor,
// and one that came aside (GateRow) stands with its predecessor, or below all that are known.
class Gate {
 public:
  Gate(GateStore& store, const GateSettings& settings) : store_(store), settings_(settings) {}

  // kPoison, kLate and kNotStored are answers, not errors.
  core::Result<Answer> offer(const Arrival& arrival, GateSink& sink);

  // history = available: begins all lanes that are still collecting their first messages. Call it
  // when the reader has reached the hub stream's end.
  core::Result<Answer> settle(GateSink& sink);

  // The operator gives up the first hole of a row, or the wait for its predecessor, or its missing
  // beginning; what becomes free is applied. kNotFound: nothing is missing there.
  core::Result<Answer> skip(const RowRef& ref, std::string_view reason, GateSink& sink);

  // What skip() would give up there; nullopt: nothing is missing.
  core::Result<std::optional<HoleRange>> missing(const RowRef& ref);

  // Open holes, oldest rows first; at most `limit`.
  core::Result<std::vector<Hole>> holes(std::size_t limit);

 private:
  struct Batch;  // what one call has done so far

  core::Result<GateRow*> make_row(const RowRef& ref, std::int64_t now_ns, std::uint64_t hub_seq);
  core::Result<void> open_by(GateRow& row, const Arrival& arrival);
  core::Result<bool> contradicts_opening(const GateRow& row, core::Seq seq);
  // gate_order.cpp
  core::Result<void> make_open(GateRow& row);
  core::Result<std::int64_t> order_of(const GateRow& row);
  core::Result<void> apply_one(GateRow& row, const core::EventView& event, std::string_view body,
                               std::uint64_t hub_seq, std::int64_t clock_ns, Batch& batch);
  core::Result<void> begin_run(GateRow& row, core::Seq first, Running how);
  core::Result<void> admit(GateRow& row, const Arrival& arrival, Batch& batch);
  core::Result<void> below(GateRow& row, const Arrival& arrival, Batch& batch);
  core::Result<void> hold(GateRow& row, const Arrival& arrival, Batch& batch);
  static void note_not_stored(GateRow& row, const Arrival& arrival);
  core::Result<void> step_over(GateRow& row, core::Seq to, std::string_view reason, Batch& batch);
  core::Result<void> apply_held(GateRow& row, const HeldItem& item, Batch& batch);
  core::Result<void> advance(GateRow& row, Batch& batch);
  core::Result<void> wake(GateRow& row, std::vector<GateRow*>& opened);
  core::Result<void> drain(GateRow& row, Batch& batch);
  core::Result<void> settle_lane(std::string_view gateway, core::Lane lane, Batch& batch);
  core::Result<bool> is_collecting(std::string_view gateway, core::Lane lane);
  core::Result<core::Seq> lowest_known(const GateRow& row);
  core::Result<core::Seq> hole_end(const GateRow& row);
  core::Result<void> row_holes(const GateRow& row, core::Seq& cursor, std::vector<Hole>& out);
  core::Result<void> predecessor_hole(const GateRow& row, std::vector<Hole>& out);

  GateStore& store_;
  GateSettings settings_;
};

}  // namespace sluice::projection
