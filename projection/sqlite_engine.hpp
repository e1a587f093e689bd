// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "projection/arrival.hpp"
#include "projection/engine.hpp"
#include "projection/gate.hpp"
#include "projection/parking.hpp"
#include "projection/sqlite_gate_store.hpp"
#include "projection/table_writer.hpp"
#include "sqlite/database.hpp"
#include "sqlite/transaction.hpp"

namespace sluice::projection {

// The engine upon SQLite: contract in engine.hpp. The gate decides, this file's sink writes.
class SqliteEngine final : public Engine, private GateSink {
 public:
  SqliteEngine(std::shared_ptr<const Model> model, sqlite::Database database,
               const core::Clock& clock, core::Logger& log, const EngineSettings& settings);
  ~SqliteEngine() override;
  core::Result<void> prepare();

  const Model& model() const override { return *model_; }
  core::Result<std::optional<Position>> position(const std::string& hub_stream) override;
  core::Result<void> begin(const HubStream& hub, std::uint64_t first_seq) override;
  core::Result<void> reset_position(const std::string& hub_stream) override;
  core::Result<BatchOutcome> apply(const HubStream& hub, std::span<const Incoming> batch) override;
  core::Result<BatchOutcome> caught_up(const HubStream& hub) override;
  core::Result<std::vector<Hole>> holes(std::size_t limit) override;
  core::Result<BatchOutcome> skip(const RowRef& row, std::string_view reason) override;
  core::Result<std::vector<ParkedEvent>> parked(std::size_t limit) override;
  core::Result<std::vector<LaneState>> lanes(std::size_t limit) override;
  core::Result<std::vector<Branch>> branches(std::size_t limit) override {
    return read_branches(database_, limit);
  }
  core::Result<EngineTotals> totals() override;

 private:
  // GateSink
  core::Result<void> apply(const Applied& applied) override;
  core::Result<void> late(const core::EventView& event, std::string_view body,
                          std::uint64_t hub_seq) override;

  Gate gate() { return Gate(*store_, gate_settings_); }
  core::Result<void> park(const core::EventView& event, std::string_view body,
                          std::string_view kind, const std::string& why, std::uint64_t hub_seq,
                          std::int64_t clock_ns);
  core::Result<void> one(const HubStream& hub, const Incoming& message);
  core::Result<void> refuse(const HubStream& hub, const Incoming& message, const std::string& why);
  core::Result<void> count(const Answer& answer, const HubStream& hub);
  core::Result<void> check_life(const HubStream& hub);
  core::Result<void> save_position(const HubStream& hub, const Incoming& last);
  core::Result<void> finish(sqlite::Transaction& transaction);
  void alarm(std::string text);
  // Runs `work` as one transaction; on an error nothing of it is left, in the file or in memory.
  template <class Work>
  core::Result<BatchOutcome> batch(Work&& work);

  std::shared_ptr<const Model> model_;
  sqlite::Database database_;
  const core::Clock& clock_;
  core::Logger& log_;
  EngineSettings settings_;
  GateSettings gate_settings_;
  MessageCheck check_;
  std::unique_ptr<SqliteGateStore> store_;
  std::unique_ptr<TableWriter> writer_;
  std::unique_ptr<Parking> parking_;

  // The batch at hand.
  BatchOutcome outcome_;
  std::uint64_t refused_ = 0;
  std::int64_t last_event_ns_ = 0;
  std::int64_t now_ns_ = 0;

  sqlite::Statement position_;
  sqlite::Statement save_position_;
  sqlite::Statement turn_back_;
  sqlite::Statement totals_;
};

}  // namespace sluice::projection
