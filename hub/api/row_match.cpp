// SPDX-License-Identifier: Apache-2.0
#include "hub/api/row_match.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using projection::Cell;
using Op = projection::QueryFilter::Op;

namespace {

bool is_less(const Cell& a, const Cell& b) {
  if (const auto* x = std::get_if<projection::Bytes>(&a)) {
    const auto* y = std::get_if<projection::Bytes>(&b);
    return y != nullptr && x->value < y->value;
  }
  if (a.index() != b.index()) return a.index() < b.index();
  if (const auto* x = std::get_if<std::int64_t>(&a)) return *x < std::get<std::int64_t>(b);
  if (const auto* x = std::get_if<double>(&a)) return *x < std::get<double>(b);
  if (const auto* x = std::get_if<std::string>(&a)) return *x < std::get<std::string>(b);
  return false;
}

bool holds(Op op, const Cell& cell, const std::vector<Cell>& values) {
  const bool is_null = std::holds_alternative<std::monostate>(cell);
  if (op == Op::kIsNull || op == Op::kNotNull) return is_null == (op == Op::kIsNull);
  if (is_null) return false;
  const auto* text = std::get_if<std::string>(&cell);
  switch (op) {
    case Op::kEq:
      return cell == values[0];
    case Op::kNe:
      return cell != values[0];
    case Op::kLt:
      return is_less(cell, values[0]);
    case Op::kLe:
      return !is_less(values[0], cell);
    case Op::kGt:
      return is_less(values[0], cell);
    case Op::kGe:
      return !is_less(cell, values[0]);
    case Op::kIn:
      return std::find(values.begin(), values.end(), cell) != values.end();
    case Op::kPrefix:
      return text != nullptr && text->starts_with(std::get<std::string>(values[0]));
    case Op::kContains:
      return text != nullptr && text->find(std::get<std::string>(values[0])) != std::string::npos;
    default:
      return false;
  }
}

}  // namespace

core::Result<RowMatch> RowMatch::make(const projection::QueryTable& table,
                                      const std::vector<projection::QueryFilter>& filters) {
  RowMatch out;
  for (const projection::QueryFilter& filter : filters) {
    const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                     [&](const auto& each) { return each.name == filter.column; });
    if (column == table.columns.end())
      return fail(Errc::kBadRequest,
                  "'" + core::printable(filter.column) + "' is no column of " + table.name,
                  filter.column);
    Condition condition{
        static_cast<std::size_t>(column - table.columns.begin()), column->key, filter.op, {}};
    const auto type = column->type.value_or(projection::Type::kText);
    const bool is_part = filter.op == Op::kPrefix || filter.op == Op::kContains;
    if (is_part && type != projection::Type::kText)
      return fail(Errc::kBadRequest, "only text is looked into", filter.column);
    const bool has_value = filter.op != Op::kIsNull && filter.op != Op::kNotNull;
    const std::vector<std::string> one{filter.value};
    for (const std::string& text : filter.op == Op::kIn ? filter.values : one) {
      if (!has_value) break;
      auto cell = projection::parse_cell(type, text);
      if (!cell) return fail(Errc::kBadRequest, cell.error().message, filter.column);
      condition.values.push_back(std::move(*cell));
    }
    out.conditions_.push_back(std::move(condition));
  }
  return out;
}

RowMatch::Verdict RowMatch::verdict(const std::vector<Cell>& cells) const {
  Verdict verdict = Verdict::kIn;
  for (const Condition& condition : conditions_) {
    if (condition.column >= cells.size()) {
      verdict = Verdict::kOut;
      continue;
    }
    if (holds(condition.op, cells[condition.column], condition.values)) continue;
    if (condition.is_key) return Verdict::kNever;
    verdict = Verdict::kOut;
  }
  return verdict;
}

}  // namespace sluice::hub
