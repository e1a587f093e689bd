// SPDX-License-Identifier: Apache-2.0
#include "projection/evaluator.hpp"

#include <algorithm>

#include "projection/arithmetic.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

bool is_null(const Cell& cell) {
  return std::holds_alternative<std::monostate>(cell);
}

// An operation without a value takes no part, but for `latest`, whose columns all come from one
// event, and `set`, which may set NULL on purpose.
bool takes_part(const Operation& operation, const Value& value) {
  switch (operation.op) {
    case Operator::kLatest:
      return true;
    case Operator::kSet:
      return value.present();
    default:
      return value.present() && value.kind != Value::Kind::kNull;
  }
}

}  // namespace

Evaluator::Evaluator(const Model& model, Rows& rows) : rows_(rows) {
  for (std::size_t i = 0; i < model.tables().size(); ++i) {
    const Table& table = model.tables()[i];
    layouts_.push_back(std::make_unique<Layout>(table));
    for (const Rule& rule : table.rules) {
      bounds_.push_back(std::make_unique<Bound>(Bound{&table, layouts_.back().get(), &rule, i}));
      for (const std::string& type : rule.types) by_type_[type].push_back(bounds_.back().get());
    }
  }
}

std::vector<TableShape> Evaluator::shapes(const Model& model) {
  std::vector<TableShape> out;
  for (const Table& table : model.tables()) out.push_back(Layout(table).shape);
  return out;
}

// Errc::kBadRequest from `visit` names the table in front of it.
template <class Visit>
Result<void> Evaluator::each_rule(const core::EventView& event, Visit&& visit) {
  const auto found = by_type_.find(event.type);
  if (found == by_type_.end()) return {};
  std::size_t count = 0;
  for (const Bound* bound : found->second) {
    const auto& categories = bound->rule->categories;
    if (!categories.empty() &&
        std::find(categories.begin(), categories.end(), event.category) == categories.end())
      continue;
    if (steps_.size() == count) steps_.emplace_back();
    Step& step = steps_[count++];
    step.bound = bound;
    SLUICE_TRY(visit(step));
  }
  return {};
}

Result<std::string> Evaluator::run(const Applied& applied) {
  extractor_.event(applied.event, applied.is_late, applied.clock_ns);
  epoch_order_ = applied.epoch_order;
  is_late_ = applied.is_late;
  // All values of the event are read before anything is changed.
  std::size_t count = 0;
  const auto done = each_rule(applied.event, [&](Step& step) -> Result<void> {
    ++count;
    return read(step);
  });
  if (!done) {
    if (done.error().code != Errc::kBadRequest) return done.error();
    return "table " + steps_[count - 1].bound->table->name + ": " + done.error().message;
  }
  if (count == 0) return std::string();
  rows_.begin_event();
  for (std::size_t i = 0; i < count; ++i) {
    auto why = execute(steps_[i]);
    if (!why || why->empty()) {
      SLUICE_TRY(std::move(why));
      continue;
    }
    rows_.undo_event();
    return why;
  }
  return std::string();
}

void Evaluator::announce(const core::EventView& event, std::int64_t clock_ns) {
  extractor_.event(event, false, clock_ns);
  // An event whose key cannot be read parks later, with the reason.
  (void)each_rule(event, [&](Step& step) -> Result<void> {
    if (read_key(step)) rows_.remember(step.bound->index, step.key);
    return {};
  });
}

Result<void> Evaluator::read_key(Step& step) {
  step.key.clear();
  for (const Column& key : step.bound->table->key) {
    const auto value = extractor_.read(key.source, key.type);
    if (!value) return value.error();
    if (!value->present() || value->kind == Value::Kind::kNull)
      return fail(Errc::kBadRequest, "the key's field " + key.source.text + " is missing",
                  key.source.text);
    step.key.push_back(without_negative_zero(*value));
  }
  return {};
}

Result<void> Evaluator::read(Step& step) {
  SLUICE_TRY(read_key(step));
  const Table& table = *step.bound->table;
  step.values.clear();
  step.used.clear();
  for (const Operation& operation : step.bound->rule->operations) {
    const auto value =
        operation.op == Operator::kCount
            ? extractor_.presence(operation.source)
            : extractor_.read(operation.source, table.columns[operation.column].type);
    if (!value) return value.error();
    step.values.push_back(without_negative_zero(*value));
    // What a late event is older than cannot be told where several gateways feed a row.
    const bool unknown_age = is_late_ && table.shared && operation.op == Operator::kLatest;
    step.used.push_back(!unknown_age && takes_part(operation, *value));
  }
  return {};
}

Result<std::string> Evaluator::execute(const Step& step) {
  const Rule& rule = *step.bound->rule;
  const bool uses_any = std::find(step.used.begin(), step.used.end(), true) != step.used.end();
  if (!uses_any && !rule.create && !rule.remove) return std::string();
  const auto found = rows_.find(step.bound->index, step.key);
  if (!found) return found.error();
  Row& row = **found;
  if (rule.remove) {
    remove(step, row);
    return std::string();
  }
  if (!row.exists) {
    if (!rule.create) return std::string();
    create(step, row);
  }
  std::size_t column = 0;
  if (change(step, row, column)) return std::string();
  return "table " + step.bound->table->name + ": column " +
         step.bound->table->columns[column].name + " would leave its domain";
}

void Evaluator::remove(const Step& step, Row& row) {
  const std::size_t order = step.bound->layout->row_order;
  if (!row.exists) return;
  if (is_late_ && order != Layout::kNone && !is_not_newer_than(row, order)) return;
  rows_.set_exists(row, false);
}

// A new row holds the defaults, and whatever the event says is newer.
void Evaluator::create(const Step& step, Row& row) {
  rows_.set_exists(row, true);
  const Table& table = *step.bound->table;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (table.columns[i].fallback)
      rows_.set(row, step.bound->layout->columns + i,
                without_negative_zero(view_of(*table.columns[i].fallback)));
}

bool Evaluator::change(const Step& step, Row& row, std::size_t& column) {
  const auto& operations = step.bound->rule->operations;
  take_latest(step, row);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (!step.used[i] || change_one(step, row, i)) continue;
    column = operations[i].column;
    return false;
  }
  if (step.bound->layout->row_order != Layout::kNone) raise(row, step.bound->layout->row_order);
  return true;
}

// Which groups the event wins, before any of their columns is taken.
void Evaluator::take_latest(const Step& step, Row& row) {
  won_.clear();
  const Layout& layout = *step.bound->layout;
  const auto& operations = step.bound->rule->operations;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const std::size_t group = operations[i].latest_group;
    if (operations[i].op != Operator::kLatest || !step.used[i]) continue;
    if (std::find(won_.begin(), won_.end(), group) != won_.end()) continue;
    if (!is_newer(*step.bound, row, group)) continue;
    won_.push_back(group);
    rows_.set(row, layout.latest_at[group], Value::of(extractor_.time()));
    rows_.set(row, layout.latest_by[group], Value::bytes(extractor_.tie_break()));
    if (layout.latest_order[group] != Layout::kNone)
      rows_.set(row, layout.latest_order[group], Value::of(epoch_order_));
  }
}

bool Evaluator::change_one(const Step& step, Row& row, std::size_t i) {
  const Operation& operation = step.bound->rule->operations[i];
  const Layout& layout = *step.bound->layout;
  const std::size_t at = layout.columns + operation.column;
  const Value& value = step.values[i];
  const Value old = view_of(row.cells[at]);
  switch (operation.op) {
    case Operator::kSet: {
      const std::size_t order = layout.set_order[operation.column];
      if (is_late_ && order != Layout::kNone && !is_not_newer_than(row, order)) return true;
      rows_.set(row, at, value);
      if (order != Layout::kNone) rows_.set(row, order, Value::of(epoch_order_));
      return true;
    }
    case Operator::kInc: {
      const auto result = is_null(row.cells[at]) ? value : sum(old, value);
      if (!result) return false;
      rows_.set(row, at, *result);
      return true;
    }
    case Operator::kDec: {
      const auto result = difference(is_null(row.cells[at]) ? zero_like(value) : old, value);
      if (!result) return false;
      rows_.set(row, at, *result);
      return true;
    }
    case Operator::kCount: {
      const auto one = Value::of(std::int64_t{1});
      const auto result = is_null(row.cells[at]) ? one : sum(old, one);
      if (!result) return false;
      rows_.set(row, at, *result);
      return true;
    }
    case Operator::kAppend:
      return true;
    case Operator::kMin:
      if (is_null(row.cells[at]) || is_less(value, old)) rows_.set(row, at, value);
      return true;
    case Operator::kMax:
      if (is_null(row.cells[at]) || is_less(old, value)) rows_.set(row, at, value);
      return true;
    case Operator::kLatest:
      if (std::find(won_.begin(), won_.end(), operation.latest_group) != won_.end())
        rows_.set(row, at, value);
      return true;
  }
  return true;
}

// What a hidden order column becomes when its value is taken.
void Evaluator::raise(Row& row, std::size_t order_column) {
  if (!is_late_ || is_not_newer_than(row, order_column))
    rows_.set(row, order_column, Value::of(epoch_order_));
}

bool Evaluator::is_newer(const Bound& bound, const Row& row, std::size_t group) {
  const Cell& at = row.cells[bound.layout->latest_at[group]];
  if (const auto* known = std::get_if<std::int64_t>(&at)) {
    const std::int64_t time = extractor_.time();
    if (time < *known) return false;
    if (time == *known &&
        extractor_.tie_break() <= view_of(row.cells[bound.layout->latest_by[group]]).text)
      return false;
  }
  const std::size_t order = bound.layout->latest_order[group];
  return !is_late_ || order == Layout::kNone || is_not_newer_than(row, order);
}

// The stored value is not of a newer epoch than this event.
bool Evaluator::is_not_newer_than(const Row& row, std::size_t order_column) const {
  const auto* order = std::get_if<std::int64_t>(&row.cells[order_column]);
  return order == nullptr || epoch_order_ >= *order;
}

}  // namespace sluice::projection
