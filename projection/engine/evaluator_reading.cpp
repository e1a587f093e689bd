// SPDX-License-Identifier: Apache-2.0
// The part of the evaluator that reads what an event says, before anything is changed.
#include <algorithm>

#include "core/text.hpp"
#include "projection/engine/evaluator.hpp"
#include "projection/model/condition.hpp"
#include "projection/model/list_cell.hpp"
#include "projection/value/arithmetic.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kKeyBytesMax = 2000;  // PostgreSQL's index takes little more

bool is_there(const Value& value) {
  return value.present() && value.kind != Value::Kind::kNull;
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

Value Evaluator::keep(std::string text) {
  return Value::of(std::string_view(kept_.emplace_back(std::move(text))));
}

Result<void> Evaluator::read(Step& step) {
  step.part = Part::kNone;
  const Rule& rule = *step.bound->rule;
  if (rule.when && !rule.when->asks_row()) {
    const auto fits = holds(*rule.when, extractor_);
    if (!fits) return fits.error();
    if (!*fits) return {};
  }
  const auto key = read_key(step);
  if (!key) return key.error();
  if (!*key) return {};
  step.values.clear();
  step.used.clear();
  for (const Operation& operation : rule.operations) {
    const auto taken = read_operation(step, operation);
    if (!taken) return taken.error();
    if (!*taken) return {};
  }
  step.part = Part::kAll;
  return judge_time(step);
}

Result<bool> Evaluator::read_key(Step& step) {
  step.key.clear();
  std::size_t bytes = 0;
  for (const Column& key : step.bound->table->key) {
    const auto found = value(key.source, key.type);
    if (!found) return found.error();
    if (!*found) return false;
    if (!is_there(**found))
      return fail(Errc::kBadRequest, "the key's field " + key.source.text + " is missing",
                  key.source.text);
    step.key.push_back(without_negative_zero(**found));
    bytes += (*found)->text.size();
  }
  if (bytes > kKeyBytesMax)
    return fail(Errc::kBadRequest,
                "the key is longer than " + std::to_string(kKeyBytesMax) + " bytes");
  return true;
}

// False: the rule takes no part.
Result<bool> Evaluator::read_operation(Step& step, const Operation& operation) {
  const Table& table = *step.bound->table;
  const Column& column = table.columns[operation.column];
  if (operation.op == Operator::kAppend) {
    bool used = false;
    const auto item = read_append(operation, column, used);
    if (!item) return item.error();
    step.values.push_back(*item);
    step.used.push_back(used);
    return true;
  }
  if (operation.op == Operator::kCount) {
    const auto there = extractor_.presence(operation.source);
    if (!there) return there.error();
    step.values.push_back(*there);
    step.used.push_back(there->present());
    return true;
  }
  const auto found = value(operation.source, column.type);
  if (!found) return found.error();
  if (!*found) return false;
  step.values.push_back(without_negative_zero(**found));
  // What a late event is older than cannot be told where several gateways feed a row.
  const bool unknown_age = is_late_ && table.shared && operation.op == Operator::kLatest;
  step.used.push_back(!unknown_age && takes_part(operation, **found));
  return true;
}

// The JSON of a list's new value. A list of single values takes no part in what is not there.
Result<Value> Evaluator::read_append(const Operation& operation, const Column& column, bool& used) {
  std::vector<Value> values;
  for (std::size_t i = 0; i < operation.items.size(); ++i) {
    const auto value = extractor_.read(operation.items[i], column.items[i].type);
    if (!value) return value.error();
    values.push_back(without_negative_zero(*value));
  }
  used = std::any_of(values.begin(), values.end(), is_there);
  if (!used) return Value{};
  auto item = list_item(column.items, values);
  if (!item)
    return fail(Errc::kBadRequest, "a value for the list " + column.name + " is longer than " +
                                       std::to_string(kListItemBytesMax) + " bytes");
  return keep(std::move(*item));
}

Result<std::optional<Value>> Evaluator::value(const Source& source, Type type) {
  if (source.kind == Source::Kind::kLookup) return looked_up(*source.lookup);
  const auto value = extractor_.read(source, type);
  if (!value) return value.error();
  return std::optional(*value);
}

// False: the event does not say which row it would be.
Result<bool> Evaluator::read_lookup_key(const Lookup& lookup) {
  const auto& shape = rows_.shape(lookup.table);
  lookup_key_.clear();
  for (std::size_t i = 0; i < lookup.key.size(); ++i) {
    const auto value = extractor_.read(lookup.key[i], shape.columns[i].type);
    if (!value) return value.error();
    if (!is_there(*value)) return false;
    lookup_key_.push_back(without_negative_zero(*value));
  }
  return true;
}

// The cell is copied: a rule of this very event may change the row.
Result<std::optional<Value>> Evaluator::looked_up(const Lookup& lookup) {
  const auto key = read_lookup_key(lookup);
  if (!key) return key.error();
  if (*key) {
    const auto row = rows_.find(lookup.table, lookup_key_);
    if (!row) return row.error();
    const std::size_t first = lookup.in_key ? 0 : layouts_[lookup.table]->columns;
    Value found = view_of((*row)->cells[first + lookup.column]);
    if ((*row)->exists && is_there(found)) {
      if (found.kind == Value::Kind::kText || found.kind == Value::Kind::kBytes)
        found.text = kept_.emplace_back(found.text);
      return std::optional(found);
    }
  }
  switch (lookup.missing) {
    case Lookup::Missing::kSkip:
      return std::optional<Value>();
    case Lookup::Missing::kNull:
      return std::optional(Value::null());
    case Lookup::Missing::kValue:
      return std::optional(view_of(lookup.value));
    case Lookup::Missing::kPark:
      break;
  }
  return fail(Errc::kBadRequest, "there is no row of table " + rows_.shape(lookup.table).name +
                                     " to look up for this event, or nothing in it");
}

void Evaluator::announce_lookup(const Source& source) {
  if (source.kind != Source::Kind::kLookup) return;
  if (const auto key = read_lookup_key(*source.lookup); key && *key)
    rows_.remember(source.lookup->table, lookup_key_);
}

void Evaluator::watermark_key(const Table& table) {
  lookup_key_ = {Value::of(std::string_view(table.name)), Value::of(event_->gateway),
                 keep(event_->epoch.text()), Value::of(core::lane_name(event_->lane))};
}

// Whether the event comes too late for its window, and how far it moves the watermark: the greatest
// event time that its lane has told this table, never ahead of the gateway's own clock, and not
// moved while that clock is not trusted. A lane's events are applied in its order, whatever comes
// between them, so every build of the model judges alike.
Result<void> Evaluator::judge_time(Step& step) {
  const auto& window = step.bound->table->window;
  if (!window || !window->late_ns) return {};
  const auto at = extractor_.read(window->of, Type::kTime);
  if (!at) return at.error();
  watermark_key(*step.bound->table);
  const auto found = rows_.find(layouts_.size(), lookup_key_);
  if (!found) return found.error();
  Row& row = **found;
  const auto* known =
      row.exists ? std::get_if<std::int64_t>(&row.cells[lookup_key_.size()]) : nullptr;
  std::int64_t behind = 0;
  if (known != nullptr && __builtin_sub_overflow(*known, at->integer, &behind))
    behind = *known > at->integer ? INT64_MAX : 0;
  if (known != nullptr && behind > *window->late_ns) {
    switch (window->beyond) {
      case Window::Beyond::kIgnore:
        step.part = Part::kNone;
        return {};
      case Window::Beyond::kCount:
        step.part = Part::kCountLate;
        return {};
      case Window::Beyond::kPark:
        too_late_ = true;
        return fail(Errc::kBadRequest,
                    "its time lies " + core::human_duration(behind) +
                        " behind what its lane had come to, more than the window waits for");
    }
  }
  if (!event_->recorded.trusted) return {};
  const std::int64_t moved = std::min(at->integer, corrected(event_->recorded.wall_ns, clock_ns_));
  if (known == nullptr || moved > *known) watermarks_.push_back({&row, moved});
  return {};
}

}  // namespace sluice::projection
