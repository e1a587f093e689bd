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
  if (!sql_) return evaluator_->run(applied);
  const auto due = sql_->read(applied);
  if (!due && due.error().code == Errc::kBadRequest) return due.error().message;
  if (!due) return due.error();
  return *due ? take_effect_with_sql(applied) : evaluator_->run(applied);
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
