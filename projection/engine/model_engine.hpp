// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projection/database/target.hpp"
#include "projection/engine/decisions.hpp"
#include "projection/engine/engine.hpp"
#include "projection/engine/evaluator.hpp"
#include "projection/engine/marked_gate.hpp"
#include "projection/engine/parked_book.hpp"
#include "projection/engine/parking.hpp"
#include "projection/engine/rows.hpp"
#include "projection/engine/skips.hpp"
#include "projection/engine/sql_runner.hpp"
#include "projection/engine/stamps.hpp"
#include "projection/engine/table_gate_store.hpp"
#include "projection/gate/arrival.hpp"
#include "projection/gate/gate.hpp"

namespace sluice::projection {

// The engine upon whatever database: contract in engine.hpp. The gate decides, the evaluator
// changes rows in memory, and each batch ends with writing them.
class ModelEngine final : public Engine, private GateSink {
 public:
  ModelEngine(std::shared_ptr<const Model> model, std::unique_ptr<Target> target,
              const core::Clock& clock, core::Logger& log, const EngineSettings& settings);
  ~ModelEngine() override;
  core::Result<void> prepare();

  const Model& model() const override { return *model_; }
  std::int64_t writer() const override { return stamps_.writer(); }
  void set_fence(const std::string& hub_stream, std::optional<std::uint64_t> token) override;
  core::Result<std::uint64_t> fence(const std::string& hub_stream) override;
  core::Result<std::optional<Position>> position(const std::string& hub_stream) override;
  core::Result<void> begin(const HubStream& hub, std::uint64_t first_seq) override;
  core::Result<void> reset_position(const std::string& hub_stream) override;
  core::Result<BatchOutcome> apply(const HubStream& hub, std::span<const Incoming> batch) override;
  core::Result<BatchOutcome> caught_up(const HubStream& hub) override;
  core::Result<void> retrace(const Marks& marks) override;
  std::vector<GatePoint> awaited() const override;
  core::Result<std::vector<Hole>> holes(std::size_t limit) override;
  core::Result<BatchOutcome> skip(const RowRef& row, std::string_view reason) override;
  core::Result<std::vector<ParkedEvent>> parked(std::size_t limit) override;
  core::Result<std::vector<ParkedEvent>> parked_heads(std::size_t limit) override;
  core::Result<ParkedEvent> parked_event(const core::Identity& event) override;
  core::Result<ParkedOutcome> retry_parked(const core::Identity& event) override;
  core::Result<ParkedOutcome> skip_parked(const core::Identity& event,
                                          std::string_view reason) override;
  core::Result<bool> is_parked(const core::Identity& event) override;
  core::Result<std::vector<Decision>> decisions() override;
  core::Result<std::vector<core::Identity>> take_over(std::span<const Decision> decisions) override;
  core::Result<std::vector<SkippedHole>> skipped_holes() override;
  core::Result<void> take_over_skips(std::span<const SkippedHole> holes) override;
  core::Result<std::vector<LaneState>> lanes(std::size_t limit) override;
  core::Result<std::vector<Branch>> branches(std::size_t limit) override;
  core::Result<EngineTotals> totals() override;
  core::Result<std::vector<GatePoint>> vector() override;
  core::Result<bool> covers(const RowRef& row, core::Seq seq) override;

 private:
  using Gateways = std::vector<std::string>;

  // GateSink (engine_sink.cpp)
  core::Result<void> apply(const Applied& applied) override;
  core::Result<void> pass() override;
  core::Result<void> late(const core::EventView& event, std::string_view body,
                          std::uint64_t hub_seq) override;
  // Empty: the event has taken effect in memory. Else why it cannot.
  core::Result<std::string> take_effect(const Applied& applied);  // engine_sql.cpp
  core::Result<std::string> take_effect_with_sql(const Applied& applied);
  core::Result<std::string> take_effect_alone(const Applied& applied);
  core::Result<void> park(const core::EventView& event, std::string_view body,
                          std::string_view kind, const std::string& why, std::uint64_t hub_seq,
                          std::int64_t clock_ns);
  core::Result<void> refuse(const HubStream& hub, const Incoming& message, const std::string& why);
  void alarm(std::string text);
  void report(const Row& row);

  // What an operator says of a parked event (engine_parked.cpp)
  core::Result<ParkedOutcome> settle(const core::Identity& event, bool applies,
                                     std::string_view reason);
  core::Result<void> settle_one(ParkedBook& book, const ParkedBook::Entry& entry, bool applies,
                                ParkedOutcome& out);
  core::Result<void> note_settled(ParkedBook& book, Decision decision, const ParkedOutcome& out,
                                  std::string_view how);
  core::Result<std::string> take_parked(const ParkedBook::Entry& entry);
  core::Result<std::string> take_following(const ParkedBook::Entry& entry);
  core::Result<void> follow(ParkedBook& book, const ParkedBook::Entry& head, ParkedOutcome& out);

  // What was decided elsewhere (engine_decisions.cpp)
  core::Result<bool> had_effect(const Decision& decision);
  core::Result<bool> is_at(std::string_view gateway, core::Lane lane, core::Epoch epoch,
                           core::Seq next);
  core::Result<void> set_place(Decision& decision);
  core::Result<void> carry_out_decisions(std::string_view gateway, core::Lane lane);
  core::Result<void> carry_out_decisions();
  core::Result<void> carry_out_due();
  core::Result<bool> carry_out(Decision decision);

  // What is stepped over (engine_skips.cpp)
  core::Result<void> step_over(const HubStream& hub, const RowRef& row, std::string_view reason,
                               std::string_view how);
  // Of these gateways; none named: of all.
  core::Result<void> carry_out_skips(const HubStream& hub, const Gateways& gateways);
  core::Result<void> carry_out_skips(const HubStream& hub, std::string_view gateway,
                                     core::Lane lane);

  Gate gate() { return Gate(*store_, gate_settings_); }
  core::Result<void> offer(const HubStream& hub, std::span<const Incoming> messages);
  core::Result<void> offer_one(const HubStream& hub, const Incoming& message,
                               const core::Result<Arrival>& arrival);
  core::Result<void> announce();
  core::Result<void> count(const Answer& answer, const HubStream& hub);
  core::Result<void> check_life(const HubStream& hub);
  core::Result<void> check_fence(const HubStream& hub);
  core::Result<void> save_position(const HubStream& hub, const Incoming& last);
  core::Result<void> turn_back(const std::string& hub_stream, std::uint64_t sequence);
  // Runs `work` as one transaction upon these gateways; on an error nothing of it is left, in the
  // database or in memory. `hub` may be nameless: an operator's word. If the database has no room
  // for a value, it runs again, one_by_one_: `work` begins anew.
  core::Result<BatchOutcome> batch(const HubStream& hub, const Gateways& gateways, Begin how,
                                   const std::function<core::Result<void>()>& work);
  core::Result<BatchOutcome> try_batch(const HubStream& hub, const Gateways& gateways, Begin how,
                                       const std::function<core::Result<void>()>& work);
  core::Result<void> check_session();
  core::Result<void> enter(const HubStream& hub, const Gateways& gateways);
  core::Result<void> write_rows();
  core::Result<void> finish(const HubStream& hub, Transaction& transaction);
  core::Result<void> read_beginning();
  void undone();
  void forget();
  void look_anew();  // where others write as well, nothing that was read before holds

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Target> target_;
  const core::Clock& clock_;
  core::Logger& log_;
  EngineSettings settings_;
  GateSettings gate_settings_;
  MessageCheck check_;
  std::unique_ptr<TableGateStore> store_;
  std::unique_ptr<MarkedGate> marked_;  // in place of the gate, once retrace() was called
  std::unique_ptr<Rows> rows_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<SqlRunner> sql_;  // none: the model has no SQL of its own
  std::unique_ptr<Parking> parking_;
  Decisions decisions_;
  Skips skips_;
  StampWriter stamps_;
  std::map<std::string, std::uint64_t, std::less<>> fences_;  // by hub stream

  std::uint64_t session_ = 0;  // the target's, in which what is in memory was read

  // The batch at hand.
  HubStream hub_;
  BatchOutcome outcome_;
  std::uint64_t refused_ = 0;
  std::int64_t last_event_ns_ = 0;
  std::int64_t now_ns_ = 0;
  bool one_by_one_ = false;  // each event's rows are written by themselves
  std::vector<core::Result<Arrival>> arrivals_;
  std::size_t reported_ = SIZE_MAX;  // the table of the row reported last
  // While a decision is carried out in a copy: Decision::newest.
  std::int64_t newest_then_ = 0;

  StatementPtr position_;
  StatementPtr save_position_;
  StatementPtr turn_back_;
  StatementPtr totals_;
  StatementPtr fence_;
  StatementPtr fence_seen_;
  StatementPtr vector_;
};

}  // namespace sluice::projection
