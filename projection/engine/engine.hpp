// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "projection/engine/branches.hpp"
#include "projection/engine/decision.hpp"
#include "projection/engine/skipped_hole.hpp"
#include "projection/gate/types.hpp"
#include "projection/model/model.hpp"
#include "projection/value/place.hpp"

namespace sluice::projection {

// One message as it was read from a hub stream. Views hold only during the call.
struct Incoming {
  std::string_view subject;
  std::string_view msg_id;  // Nats-Msg-Id
  std::string_view body;
  std::uint64_t hub_seq = 0;
  std::int64_t hub_time_ns = 0;
  bool aside = false;         // it has the header Sluice-Late (docs/event-format.md)
  std::int64_t clock_ns = 0;  // its header Sluice-Clock; 0 without one
};

// A hub stream in one life of it: a re-created one has another `created`.
struct HubStream {
  std::string name;
  std::string created;  // as the server writes it
};

// How far a model has read a hub stream. Before subscribing, read the message `sequence` there: if
// hub stream, created or its Nats-Msg-Id differ from this, reset_position() and begin at the first.
struct Position {
  HubStream hub;
  std::uint64_t sequence = 0;  // highest message read
  std::string msg_id;          // and its Nats-Msg-Id
  std::uint64_t next = 1;      // where to go on reading: sequence + 1, or below it after a re-read
};

// A row as a batch left it.
struct RowChange {
  std::string table;
  bool deleted = false;
  std::vector<Cell> cells;  // the key, then, unless deleted, the table's columns
};

struct BatchOutcome {
  std::uint64_t applied = 0;       // events that took effect, those set free from the hold included
  std::uint64_t duplicates = 0;    // had taken effect, or were held, before
  std::uint64_t before_start = 0;  // history = available: older than where the row began
  std::uint64_t held = 0;
  std::uint64_t not_stored = 0;     // the lane's share of held events is full
  std::uint64_t absent = 0;         // seqs given up by gap records
  std::uint64_t late = 0;           // parked: came after they were given up
  std::uint64_t old_epoch = 0;      // applied, of an epoch that is not its gateway's newest
  std::uint64_t parked = 0;         // parked: outside the value domain, or behind such an event
  std::uint64_t refused = 0;        // never applied; each has an alarm
  std::vector<std::string> alarms;  // one sentence each, at most 16 per batch
  std::vector<RowChange> changes;   // with EngineSettings::report_changes
  std::vector<std::string> touched_tables;  // by SQL of one's own: anything in them may be other
  bool changes_cut = false;                 // there were more than kChangesMax: ask for the rows
  // Set: go on reading at this sequence instead of behind the batch (Position::next says the same).
  std::optional<std::uint64_t> reread_from;
};

inline constexpr std::size_t kChangesMax = 1000;

struct ParkedEvent {
  std::string gateway;
  core::Epoch epoch;
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq seq = 0;
  std::string stream;  // <category>/<entity>
  std::string type;
  std::string kind;  // "poison", "behind" (a poison event of its stream), "late"
  std::string why;
  std::uint64_t hub_seq = 0;
  std::int64_t parked_at_ns = 0;
  std::string body;
  std::uint64_t behind = 0;  // "poison": events of its stream that wait behind it
  // parked_heads(): a decision that was taken over waits for its place to come.
  bool decided = false;
};

// What came of an operator's word about a parked event.
struct ParkedOutcome {
  bool settled = false;       // else it still does not fit, and nothing was changed
  std::string why;            // why not; or, settled, why the stream waits behind a later event
  std::uint64_t applied = 0;  // events that took effect
  std::uint64_t behind = 0;   // of the stream still wait
};

// The newest row of a gateway's lane, and sums over all its rows.
struct LaneState {
  std::string gateway;
  core::Lane lane = core::Lane::kTelemetry;
  core::Epoch epoch;
  core::Seq next = 0;  // 0 while the epoch is held as a whole
  bool open = false;
  core::Seq available_from = 0;  // history = available: the lane's first seq, else 0
  std::uint64_t epochs = 0;
  std::uint64_t held = 0;
  std::uint64_t absent = 0;
  bool blocked = false;  // the lane's share is full: further events are read again later
};

// All below `next` has taken effect, was parked or was given up.
struct GatePoint {
  std::string gateway;
  core::Lane lane = core::Lane::kTelemetry;
  core::Epoch epoch;
  core::Seq next = 0;
};

struct EngineTotals {
  std::uint64_t applied = 0;    // since the database was made
  std::uint64_t parked = 0;     // rows in the parked table
  std::uint64_t late = 0;       // of these, late
  std::uint64_t old_epoch = 0;  // applied, of an epoch that was not its gateway's newest
  std::uint64_t refused = 0;
  std::int64_t last_event_ns = 0;  // recorded time of the newest applied event
};

class EventSink;
class Target;
struct Marks;

struct EngineSettings {
  std::uint64_t held_items_max = 16'384;        // per gateway and lane
  std::uint64_t held_bytes_max = 16u << 20;     // per gateway and lane
  std::uint64_t parked_bytes_max = 256u << 20;  // then apply() refuses with kLimit
  std::size_t cache_bytes = 64u << 20;          // rows in memory
  // Nobody else writes the database: what was read stays in memory from batch to batch. Else each
  // batch locks its gateways and the shared tables, and keeps nothing.
  bool exclusive = true;
  bool report_changes = false;  // BatchOutcome::changes
  // Events that it refuses are applied without effect. Empty: all have their effect.
  std::function<bool(const core::EventView&)> only = {};
  // Takes the events in place of the model's rules; may be used by the engine alone.
  std::shared_ptr<EventSink> sink = nullptr;
};

// One version of a model in one database. apply() is one transaction: gate, operations and position
// become visible together or not at all. A power cut may take the last batches, which are then read
// again; skip() is synced. After an error ask for position() before the next apply(): it may be
// that the batch happened. One caller at a time, from any thread; readers use Query (query.hpp)
// beside it.
class Engine {
 public:
  // Makes the file, or the schema, if it is absent. kConfig: it belongs to another model, another
  // version or an edited definition of the same version; kUnavailable: the database is away.
  static core::Result<std::unique_ptr<Engine>> open(std::shared_ptr<const Model> model,
                                                    const Place& place, const core::Clock& clock,
                                                    core::Logger& log,
                                                    const EngineSettings& settings = {});
  // Upon a connection for writing that is there already.
  static core::Result<std::unique_ptr<Engine>> open(std::shared_ptr<const Model> model,
                                                    std::unique_ptr<Target> target,
                                                    const core::Clock& clock, core::Logger& log,
                                                    const EngineSettings& settings = {});
  virtual ~Engine() = default;

  virtual const Model& model() const = 0;
  // Whose stamps (stamps.hpp) are those of this engine.
  virtual std::int64_t writer() const = 0;

  // The fencing token under which this engine reads a hub stream; nullopt, as at first: no fence.
  // apply() and caught_up() fail with kUnauthorized, and nothing happens, once the database has
  // seen a higher one.
  virtual void set_fence(const std::string& hub_stream, std::optional<std::uint64_t> token) = 0;
  // The highest token that the database has seen; 0: none. kFenceClosed: nobody may write any more.
  static constexpr std::uint64_t kFenceClosed = INT64_MAX;
  virtual core::Result<std::uint64_t> fence(const std::string& hub_stream) = 0;

  // nullopt: nothing of this hub stream was read yet.
  virtual core::Result<std::optional<Position>> position(const std::string& hub_stream) = 0;
  // Call it before a hub stream is read for the first time. kConfig: its beginning is gone
  // (first_seq > 1) and the model says history = whole. Remembered for history = available.
  virtual core::Result<void> begin(const HubStream& hub, std::uint64_t first_seq) = 0;
  // Read this hub stream from the first again. The gate makes that harmless.
  virtual core::Result<void> reset_position(const std::string& hub_stream) = 0;

  // Messages in the order of the hub stream. On an error nothing of the batch is there.
  virtual core::Result<BatchOutcome> apply(const HubStream& hub,
                                           std::span<const Incoming> batch) = 0;
  // Call it when the reader has reached the end of the hub stream (needed by history = available).
  virtual core::Result<BatchOutcome> caught_up(const HubStream& hub) = 0;
  // From now on what took effect in the database that these marks are of takes effect here, and
  // nothing else (marked_gate.hpp). Only upon a new database; again when they have moved on. It may
  // turn a position back, and so may apply(), of any hub stream: look at position().next.
  virtual core::Result<void> retrace(const Marks& marks) = 0;
  // With retrace(): the event that each lane waits for; empty: it stands where the marks do.
  virtual std::vector<GatePoint> awaited() const = 0;

  virtual core::Result<std::vector<Hole>> holes(std::size_t limit) = 0;
  // `sluice holds skip`: see Gate::skip. Synced, with an audit row, before it returns. It may turn
  // a position back: look at position().next again. kNotFound: nothing is missing there.
  virtual core::Result<BatchOutcome> skip(const RowRef& row, std::string_view reason) = 0;

  virtual core::Result<std::vector<ParkedEvent>> parked(std::size_t limit) = 0;
  // All but those that only wait behind a poison event, oldest first, without bodies.
  virtual core::Result<std::vector<ParkedEvent>> parked_heads(std::size_t limit) = 0;
  // kNotFound: no such event is parked.
  virtual core::Result<ParkedEvent> parked_event(const core::Identity& event) = 0;
  // Takes a parked event once more; or gives up its effect, for a reason. If it was poison, the
  // later events of its stream follow in order, up to the next one that does not fit. One synced
  // transaction with an audit row. kNotFound; kBadRequest: it only waits behind another.
  virtual core::Result<ParkedOutcome> retry_parked(const core::Identity& event) = 0;
  virtual core::Result<ParkedOutcome> skip_parked(const core::Identity& event,
                                                  std::string_view reason) = 0;
  // Whether it waits here: poison, late, or behind another.
  virtual core::Result<bool> is_parked(const core::Identity& event) = 0;
  // What operators decided about parked events, in the order in which they did.
  virtual core::Result<std::vector<Decision>> decisions() = 0;
  // Carries out here what was decided in another database of the model: at once if its place has
  // come, else when it does. An event that was given up has no effect here either, even if it fits
  // by now. Kept, and synced, on return; what is known already changes nothing. Gives, each time,
  // the events that had their effect here before they were given up: for these it is too late, but
  // a database that takes these decisions over from here gives them up.
  virtual core::Result<std::vector<core::Identity>> take_over(
      std::span<const Decision> decisions) = 0;
  // The holes that were stepped over here, and those that were taken over.
  virtual core::Result<std::vector<SkippedHole>> skipped_holes() = 0;
  // Steps over here what was stepped over in another database of the model: at once if all of a
  // hole was, else as soon as it shows itself. Kept, and synced, on return; what is known already
  // changes nothing. As skip(), it may turn positions back.
  virtual core::Result<void> take_over_skips(std::span<const SkippedHole> holes) = 0;
  virtual core::Result<std::vector<LaneState>> lanes(std::size_t limit) = 0;
  // Where gateways' logs came apart, as far as EpochOpened events show it; see read_branches().
  virtual core::Result<std::vector<Branch>> branches(std::size_t limit) = 0;
  virtual core::Result<EngineTotals> totals() = 0;

  // How far each lane has taken effect: all rows of the gate that are open.
  virtual core::Result<std::vector<GatePoint>> vector() = 0;
  // Read your writes: whether this event, or its range being given up, is in the rows. What is
  // parked counts: waiting longer does not help.
  virtual core::Result<bool> covers(const RowRef& row, core::Seq seq) = 0;
};

}  // namespace sluice::projection
