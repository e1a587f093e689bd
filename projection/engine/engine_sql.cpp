// SPDX-License-Identifier: Apache-2.0
// The engine and the statements of the user's own. They see the database, not the rows in memory:
// so these are written before, and forgotten where a statement may have changed them.
#include <algorithm>

#include "projection/engine/event_sink.hpp"
#include "projection/engine/model_engine.hpp"

namespace sluice::projection {

using core::Errc;
using core::Result;

Result<std::string> ModelEngine::take_effect(const Applied& applied) {
  evaluator_->forget_verdict();
  if (settings_.sink) return settings_.sink->apply(applied, hub_);
  if (!sql_) return one_by_one_ ? take_effect_alone(applied) : evaluator_->run(applied);
  const auto due = sql_->read(applied);
  if (!due && due.error().code == Errc::kBadRequest) return due.error().message;
  if (!due) return due.error();
  if (*due) return take_effect_with_sql(applied);
  return one_by_one_ ? take_effect_alone(applied) : evaluator_->run(applied);
}

// Its rows are in the database when it returns, unless that has no room for them.
Result<std::string> ModelEngine::take_effect_alone(const Applied& applied) {
  SLUICE_TRY(write_rows());
  auto why = evaluator_->run(applied);
  if (!why || !why->empty()) return why;
  const std::size_t reported = outcome_.changes.size();
  SLUICE_TRY(target_->exec("SAVEPOINT sluice_alone"));
  auto done = write_rows();
  if (done) done = target_->exec("RELEASE SAVEPOINT sluice_alone");
  if (done) return std::string();
  if (done.error().code != Errc::kTooLarge) return done.error();
  SLUICE_TRY(target_->exec("ROLLBACK TO SAVEPOINT sluice_alone"));
  SLUICE_TRY(target_->exec("RELEASE SAVEPOINT sluice_alone"));
  rows_->forget();
  outcome_.changes.resize(reported);
  return done.error().message;
}

Result<std::string> ModelEngine::take_effect_with_sql(const Applied& applied) {
  // What went before this event must not be undone with it.
  SLUICE_TRY(write_rows());
  auto why = evaluator_->run(applied);
  if (!why || !why->empty()) return why;
  const std::size_t reported = outcome_.changes.size();
  SLUICE_TRY(sql_->begin());
  SLUICE_TRY(write_rows());
  why = sql_->execute();
  if (!why) return why;
  if (!why->empty()) {
    rows_->forget();
    outcome_.changes.resize(reported);
    return why;
  }
  for (const std::size_t table : sql_->touched()) {
    rows_->forget(table);
    const std::string& name = model_->tables()[table].name;
    auto& told = outcome_.touched_tables;
    if (std::find(told.begin(), told.end(), name) == told.end()) told.push_back(name);
  }
  return std::string();
}

}  // namespace sluice::projection
