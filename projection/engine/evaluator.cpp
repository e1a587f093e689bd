// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/evaluator.hpp"

#include <algorithm>

#include "projection/model/condition.hpp"
#include "projection/model/list_cell.hpp"
#include "projection/value/arithmetic.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kWatermarkAt = 4;  // watermark_shape()

bool is_null(const Cell& cell) {
  return std::holds_alternative<std::monostate>(cell);
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
  if (needs_watermarks(model)) out.push_back(watermark_shape());
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
  event_ = &applied.event;
  clock_ns_ = applied.clock_ns;
  epoch_order_ = applied.epoch_order;
  is_late_ = applied.is_late;
  too_late_ = false;
  kept_.clear();
  watermarks_.clear();
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
  rows_.begin_event();
  for (const Watermark& mark : watermarks_) {
    if (!mark.row->exists) rows_.set_exists(*mark.row, true);
    rows_.set(*mark.row, kWatermarkAt, Value::of(mark.at));
  }
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
  event_ = &event;
  (void)each_rule(event, [&](Step& step) -> Result<void> {
    const Table& table = *step.bound->table;
    bool readable = true;
    for (const Column& key : table.key) {
      readable = readable && key.source.kind != Source::Kind::kLookup;
      announce_lookup(key.source);
    }
    for (const Operation& operation : step.bound->rule->operations)
      announce_lookup(operation.source);
    if (table.window && table.window->late_ns) {
      watermark_key(table);
      rows_.remember(layouts_.size(), lookup_key_);
    }
    // An event whose key cannot be read parks later, with the reason.
    if (!readable) return {};
    if (const auto key = read_key(step); key && *key) rows_.remember(step.bound->index, step.key);
    return {};
  });
}

Result<std::string> Evaluator::execute(const Step& step) {
  const Rule& rule = *step.bound->rule;
  if (step.part == Part::kNone) return std::string();
  const bool uses_any = step.part == Part::kCountLate ||
                        std::find(step.used.begin(), step.used.end(), true) != step.used.end();
  if (!uses_any && !rule.create && !rule.remove) return std::string();
  const auto found = rows_.find(step.bound->index, step.key);
  if (!found) return found.error();
  Row& row = **found;
  if (rule.when && rule.when->asks_row()) {
    const auto fits = fits_row(step, row);
    if (!fits && fits.error().code != Errc::kBadRequest) return fits.error();
    if (!fits) return "table " + step.bound->table->name + ": " + fits.error().message;
    if (!*fits) return std::string();
  }
  if (rule.remove && step.part == Part::kAll) {
    remove(step, row);
    return std::string();
  }
  if (!row.exists) {
    if (!rule.create) return std::string();
    create(step, row);
  }
  std::size_t column = 0;
  if (step.part == Part::kCountLate) {
    column = step.bound->table->window->column;
    if (count_late(step, row)) return std::string();
  } else if (change(step, row, column)) {
    return std::string();
  }
  return "table " + step.bound->table->name + ": column " +
         step.bound->table->columns[column].name + " would leave its domain";
}

Result<bool> Evaluator::fits_row(const Step& step, const Row& row) {
  const Table& table = *step.bound->table;
  RowView view{&table, {}};
  if (row.exists)
    view.cells = std::span(row.cells).subspan(step.bound->layout->columns, table.columns.size());
  return holds(*step.bound->rule->when, extractor_, view);
}

// Only that it came too late is told of the event.
bool Evaluator::count_late(const Step& step, Row& row) {
  const std::size_t at = step.bound->layout->columns + step.bound->table->window->column;
  const auto one = Value::of(std::int64_t{1});
  const auto result = is_null(row.cells[at]) ? one : sum(view_of(row.cells[at]), one);
  if (result) rows_.set(row, at, *result);
  return result.has_value();
}

bool Evaluator::append(const Step& step, Row& row, std::size_t i) {
  const Operation& operation = step.bound->rule->operations[i];
  const Layout& layout = *step.bound->layout;
  const std::size_t behind = layout.list[operation.column];
  const std::string list =
      list_insert(view_of(row.cells[behind]).text, extractor_.time(), extractor_.tie_break(),
                  step.values[i].text, step.bound->table->columns[operation.column].limit);
  const std::string json = list_json(list);
  rows_.set(row, behind, Value::bytes(list));
  rows_.set(row, layout.columns + operation.column, Value::of(std::string_view(json)));
  return true;
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
      return append(step, row, i);
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
