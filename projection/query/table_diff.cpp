// SPDX-License-Identifier: Apache-2.0
#include "projection/query/table_diff.hpp"

#include <algorithm>
#include <cmath>

#include "projection/model/sql.hpp"
#include "projection/value/domain.hpp"

namespace sluice::projection {

using core::Result;

namespace {

constexpr std::int64_t kPageRows = 1000;
constexpr double kRounding = 1e-9;

std::string key_names(const Table& table) {
  std::string out;
  for (const Column& key : table.key) out += (out.empty() ? "" : ", ") + sql::quoted(key.name);
  return out;
}

std::string all_names(const Table& table) {
  std::string out = key_names(table);
  for (const Column& column : table.columns) out += ", " + sql::quoted(column.name);
  return out;
}

std::string parameters(std::size_t count) {
  std::string out;
  for (std::size_t i = 1; i <= count; ++i) out += (i == 1 ? "?" : ", ?") + std::to_string(i);
  return out;
}

std::vector<Cell> cells_of(const Statement& row, const Table& table) {
  std::vector<Cell> out;
  const int count = static_cast<int>(table.key.size() + table.columns.size());
  out.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) out.push_back(within_domain(cell_of(row.value(i))));
  return out;
}

// Keys in the order of both databases: numbers by value, text and bytes by their bytes.
int compare_keys(const Table& table, const std::vector<Cell>& a, const std::vector<Cell>& b) {
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (const auto* x = std::get_if<Bytes>(&a[i]))
      if (const auto* y = std::get_if<Bytes>(&b[i])) return x->value < y->value ? -1 : 1;
    if (a[i].index() != b[i].index()) return a[i].index() < b[i].index() ? -1 : 1;
    if (const auto* x = std::get_if<std::int64_t>(&a[i]))
      return *x < std::get<std::int64_t>(b[i]) ? -1 : 1;
    if (const auto* x = std::get_if<double>(&a[i])) return *x < std::get<double>(b[i]) ? -1 : 1;
    if (const auto* x = std::get_if<std::string>(&a[i]))
      return *x < std::get<std::string>(b[i]) ? -1 : 1;
  }
  return 0;
}

bool is_sum(const Table& table, std::size_t column) {
  return std::any_of(table.rules.begin(), table.rules.end(), [&](const Rule& rule) {
    return std::any_of(rule.operations.begin(), rule.operations.end(), [&](const Operation& one) {
      return one.column == column && (one.op == Operator::kInc || one.op == Operator::kDec);
    });
  });
}

// A row that only one side has; `row` is that side's.
RowDifference one_sided(const Table& table, const std::vector<Cell>& row, bool expected) {
  RowDifference out;
  out.kind = expected ? RowDifference::Kind::kMissing : RowDifference::Kind::kExtra;
  out.table = table.name;
  const auto keys = static_cast<std::ptrdiff_t>(table.key.size());
  out.key.assign(row.begin(), row.begin() + keys);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Cell& cell = row[table.key.size() + i];
    out.cells.push_back(
        {table.columns[i].name, expected ? cell : Cell(), expected ? Cell() : cell});
  }
  return out;
}

RowDifference both(const Table& table, const std::vector<Cell>& expected,
                   const std::vector<Cell>& found) {
  RowDifference out;
  out.table = table.name;
  const auto keys = static_cast<std::ptrdiff_t>(table.key.size());
  out.key.assign(expected.begin(), expected.begin() + keys);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::size_t at = table.key.size() + i;
    if (!same_cell(table, i, expected[at], found[at]))
      out.cells.push_back({table.columns[i].name, expected[at], found[at]});
  }
  return out;
}

}  // namespace

std::string_view kind_word(RowDifference::Kind kind) {
  switch (kind) {
    case RowDifference::Kind::kChanged:
      return "changed";
    case RowDifference::Kind::kMissing:
      return "missing";
    case RowDifference::Kind::kExtra:
      return "extra";
  }
  return "changed";
}

bool same_cell(const Table& table, std::size_t column, const Cell& a, const Cell& b) {
  if (a == b) return true;
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  return x != nullptr && y != nullptr && is_sum(table, column) &&
         std::abs(*x - *y) <= kRounding * std::max(std::abs(*x), std::abs(*y));
}

Result<TableRows> TableRows::open(Target& target, const Table& table) {
  TableRows out;
  out.table_ = &table;
  const std::string select = "SELECT " + all_names(table) + " FROM " + sql::quoted(table.name);
  const std::string order = " ORDER BY " + key_names(table) + " LIMIT " + std::to_string(kPageRows);
  auto first = target.prepare(select + order);
  if (!first) return first.error();
  auto further = target.prepare(select + " WHERE (" + key_names(table) + ") > (" +
                                parameters(table.key.size()) + ")" + order);
  if (!further) return further.error();
  out.first_ = std::move(*first);
  out.further_ = std::move(*further);
  return out;
}

Result<void> TableRows::load() {
  Statement& statement = begun_ ? *further_ : *first_;
  const Statement::Resetting guard{statement};
  const std::vector<Cell> last = page_.empty() ? std::vector<Cell>() : std::move(page_.back());
  if (begun_)
    for (std::size_t i = 0; i < table_->key.size(); ++i)
      statement.set(static_cast<int>(i) + 1, view_of(last[i]));
  page_.clear();
  at_ = 0;
  begun_ = true;
  for (;;) {
    const auto row = statement.step();
    if (!row) return row.error();
    if (!*row) break;
    page_.push_back(cells_of(statement, *table_));
  }
  last_page_ = page_.size() < static_cast<std::size_t>(kPageRows);
  return {};
}

Result<const std::vector<Cell>*> TableRows::next() {
  if (at_ == page_.size()) {
    if (last_page_) return nullptr;
    SLUICE_TRY(load());
    if (page_.empty()) return nullptr;
  }
  return &page_[at_++];
}

Result<RowFinder> RowFinder::open(Target& target, const Table& table) {
  RowFinder out;
  out.table_ = &table;
  std::string where;
  for (std::size_t i = 0; i < table.key.size(); ++i)
    where +=
        (i == 0 ? "" : " AND ") + sql::quoted(table.key[i].name) + " = ?" + std::to_string(i + 1);
  auto select = target.prepare("SELECT " + all_names(table) + " FROM " + sql::quoted(table.name) +
                               " WHERE " + where);
  if (!select) return select.error();
  out.select_ = std::move(*select);
  return out;
}

Result<std::optional<std::vector<Cell>>> RowFinder::find(std::span<const Cell> key) {
  const Statement::Resetting guard{*select_};
  for (std::size_t i = 0; i < key.size(); ++i)
    select_->set(static_cast<int>(i) + 1, view_of(key[i]));
  const auto row = select_->step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::vector<Cell>>();
  return std::optional(cells_of(*select_, *table_));
}

Result<TableDiff> compare_table(Target& expected, Target& found, const Table& table,
                                const std::function<bool(std::span<const Cell>)>& wants,
                                const std::function<Result<void>(RowDifference)>& tell) {
  auto left = TableRows::open(expected, table);
  if (!left) return left.error();
  auto right = TableRows::open(found, table);
  if (!right) return right.error();
  const auto next = [&](TableRows& rows) -> Result<const std::vector<Cell>*> {
    for (;;) {
      auto row = rows.next();
      if (!row || *row == nullptr || !wants || wants(std::span(**row).first(table.key.size())))
        return row;
    }
  };
  TableDiff out;
  auto a = next(*left);
  auto b = next(*right);
  for (;;) {
    if (!a) return a.error();
    if (!b) return b.error();
    if (*a == nullptr && *b == nullptr) return out;
    const int order = *a == nullptr ? 1 : *b == nullptr ? -1 : compare_keys(table, **a, **b);
    RowDifference difference = order < 0   ? one_sided(table, **a, true)
                               : order > 0 ? one_sided(table, **b, false)
                                           : both(table, **a, **b);
    ++out.rows;
    if (order != 0 || !difference.cells.empty()) {
      ++out.differing;
      SLUICE_TRY(tell(std::move(difference)));
    }
    if (order <= 0) a = next(*left);
    if (order >= 0) b = next(*right);
  }
}

}  // namespace sluice::projection
