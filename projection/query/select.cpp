// SPDX-License-Identifier: Apache-2.0
#include "projection/query/select.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "projection/model/sql.hpp"
#include "projection/query/cursor.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using Op = QueryFilter::Op;

constexpr std::size_t kLimitMax = 10'000;
constexpr std::size_t kFiltersMax = 32;
constexpr std::size_t kValuesMax = 1000;  // of one kIn

std::string parameter(Select& out, Cell value) {
  out.values.push_back(std::move(value));
  return "?" + std::to_string(out.values.size());
}

std::string_view sign(Op op) {
  switch (op) {
    case Op::kNe:
      return " <> ";
    case Op::kLt:
      return " < ";
    case Op::kLe:
      return " <= ";
    case Op::kGt:
      return " > ";
    case Op::kGe:
      return " >= ";
    default:
      return " = ";
  }
}

// A view's computed column has no declared type: a number if it looks like one.
Cell guess_cell(std::string_view text) {
  if (auto whole = parse_cell(Type::kInt, text)) return std::move(*whole);
  if (auto real = parse_cell(Type::kReal, text)) return std::move(*real);
  return std::string(text);
}

Result<Cell> cell_for(const QueryColumn& column, std::string_view text) {
  if (!column.type) return guess_cell(text);
  auto cell = parse_cell(*column.type, text);
  if (!cell) return fail(Errc::kBadRequest, cell.error().message, column.name);
  return cell;
}

Result<const QueryColumn*> column_of(const QueryTable& table, const std::string& name) {
  for (const QueryColumn& column : table.columns)
    if (column.name == name) return &column;
  std::string known;
  for (const QueryColumn& column : table.columns)
    known += (known.empty() ? "" : ", ") + column.name;
  return fail(Errc::kBadRequest,
              "'" + core::printable(name) + "' is no column of " + table.name + ": it has " + known,
              name);
}

Result<std::string> one_of(const QueryColumn& column, const QueryFilter& filter, Select& out) {
  if (filter.values.empty() || filter.values.size() > kValuesMax)
    return fail(Errc::kBadRequest, "takes 1 to " + std::to_string(kValuesMax) + " values",
                filter.column);
  std::string list;
  for (const std::string& text : filter.values) {
    auto cell = cell_for(column, text);
    if (!cell) return cell.error();
    list += (list.empty() ? "" : ", ") + parameter(out, std::move(*cell));
  }
  return sql::quoted(column.name) + " IN (" + list + ")";
}

// Without LIKE, whose wildcards would be signs within the value.
Result<std::string> part_of(const QueryColumn& column, const QueryFilter& filter, Dialect dialect,
                            Select& out) {
  if (column.type && *column.type != Type::kText)
    return fail(
        Errc::kBadRequest,
        "only text is looked into, and this is of type " + std::string(type_word(*column.type)),
        filter.column);
  const std::string name = sql::quoted(column.name);
  auto text = parse_cell(Type::kText, filter.value);
  if (!text) return fail(Errc::kBadRequest, text.error().message, filter.column);
  const std::string value = parameter(out, std::move(*text));
  if (filter.op == Op::kPrefix)  // the first half can use an index
    return "(" + name + " >= " + value + " AND substr(" + name + ", 1, length(" + value +
           ")) = " + value + ")";
  const char* find = dialect == Dialect::kSqlite ? "instr(" : "strpos(";
  return find + name + ", " + value + ") > 0";
}

Result<std::string> condition(const QueryTable& table, const QueryFilter& filter, Dialect dialect,
                              Select& out) {
  const auto column = column_of(table, filter.column);
  if (!column) return column.error();
  const std::string name = sql::quoted((*column)->name);
  switch (filter.op) {
    case Op::kIsNull:
      return name + " IS NULL";
    case Op::kNotNull:
      return name + " IS NOT NULL";
    case Op::kIn:
      return one_of(**column, filter, out);
    case Op::kPrefix:
    case Op::kContains:
      return part_of(**column, filter, dialect, out);
    default:
      break;
  }
  auto cell = cell_for(**column, filter.value);
  if (!cell) return cell.error();
  return name + std::string(sign(filter.op)) + parameter(out, std::move(*cell));
}

// Rows behind `values` in the order of `order`, where NULL is the least value.
std::string behind(const std::vector<QueryOrder>& order, const std::vector<Cell>& values,
                   std::size_t from, Select& out) {
  const std::string name = sql::quoted(order[from].column);
  const bool null = std::holds_alternative<std::monostate>(values[from]);
  std::string after;
  if (order[from].descending)
    after = null ? "1 = 0"
                 : "(" + name + " < " + parameter(out, values[from]) + " OR " + name + " IS NULL)";
  else
    after = null ? name + " IS NOT NULL" : name + " > " + parameter(out, values[from]);
  if (from + 1 == order.size()) return after;
  const std::string same = null ? name + " IS NULL" : name + " = " + parameter(out, values[from]);
  return "(" + after + " OR (" + same + " AND " + behind(order, values, from + 1, out) + "))";
}

Result<void> choose_columns(const QueryTable& table, const QueryRequest& request, Select& out) {
  for (const std::string& field : request.fields) {
    const auto column = column_of(table, field);
    if (!column) return fail(Errc::kBadRequest, column.error().message, "fields");
    out.columns.push_back(**column);
  }
  if (request.fields.empty()) out.columns = table.columns;
  return {};
}

Result<void> choose_order(const QueryTable& table, const QueryRequest& request, Select& out) {
  out.order = request.order;
  for (const QueryOrder& item : out.order)
    if (const auto column = column_of(table, item.column); !column)
      return fail(Errc::kBadRequest, column.error().message, "order");
  // A view has no key: where it is asked for in an order, all its columns decide a tie, so that
  // pages do not depend on how the database goes about it.
  const bool all = table.view && !request.order.empty();
  for (const QueryColumn& column : table.columns)
    if ((column.key || all) &&
        std::none_of(out.order.begin(), out.order.end(),
                     [&](const auto& item) { return item.column == column.name; }))
      out.order.push_back({column.name, false});
  return {};
}

// A cursor comes from outside: forged, or of a version of the model with other types.
bool fits(const QueryColumn& column, const Cell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return !column.key;
  switch (column.type.value_or(Type::kText)) {
    case Type::kInt:
    case Type::kTime:
    case Type::kBool:
      return std::holds_alternative<std::int64_t>(cell);
    case Type::kReal:
      return std::holds_alternative<double>(cell);
    case Type::kBytes:
      return std::holds_alternative<Bytes>(cell);
    default: {
      const auto* text = std::get_if<std::string>(&cell);
      return text != nullptr && text->find('\0') == std::string::npos;
    }
  }
}

bool fits(const QueryTable& table, const std::vector<QueryOrder>& order,
          const std::vector<Cell>& cursor) {
  if (table.view) {
    const auto* rows = std::get_if<std::int64_t>(&cursor[0]);
    return rows != nullptr && *rows >= 0;
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto column = column_of(table, order[i].column);
    if (!column || !fits(**column, cursor[i])) return false;
  }
  return true;
}

// SQLite's own order; a key has no NULLs, and its index must stay usable.
std::string_view nulls(const QueryTable& table, const QueryOrder& item, Dialect dialect) {
  if (dialect == Dialect::kSqlite) return "";
  for (const QueryColumn& column : table.columns)
    if (column.name == item.column && column.key) return "";
  return item.descending ? " NULLS LAST" : " NULLS FIRST";
}

}  // namespace

Result<Select> make_select(const QueryTable& table, const QueryRequest& request, Dialect dialect) {
  if (request.limit == 0 || request.limit > kLimitMax)
    return fail(Errc::kBadRequest, "the limit must be from 1 to 10000", "limit");
  if (request.filters.size() > kFiltersMax || request.order.size() > table.columns.size())
    return fail(Errc::kBadRequest, "too many conditions");
  Select out;
  SLUICE_TRY(choose_columns(table, request, out));
  SLUICE_TRY(choose_order(table, request, out));
  std::string names;
  for (const QueryColumn& column : out.columns)
    names += (names.empty() ? "" : ", ") + sql::quoted(column.name);
  for (const QueryOrder& item : out.order) names += ", " + sql::quoted(item.column);
  std::string where;
  for (const QueryFilter& filter : request.filters) {
    const auto text = condition(table, filter, dialect, out);
    if (!text) return text.error();
    where += (where.empty() ? " WHERE " : " AND ") + *text;
  }
  if (request.count) out.count_text = "SELECT count(*) FROM " + sql::quoted(table.name) + where;
  out.count_values = out.values.size();
  std::vector<Cell> cursor;
  if (!request.cursor.empty()) {
    auto read = read_cursor(request, table.view ? 1 : out.order.size());
    if (!read) return read.error();
    cursor = std::move(*read);
    if (!fits(table, out.order, cursor))
      return fail(
          Errc::kBadRequest,
          "no page of this request: take `next` of an answer with the same other parameters",
          "page");
    if (!table.view)
      where += (where.empty() ? " WHERE " : " AND ") + behind(out.order, cursor, 0, out);
  }
  out.text = "SELECT " + names + " FROM " + sql::quoted(table.name) + where;
  for (std::size_t i = 0; i < out.order.size(); ++i)
    out.text += (i == 0 ? " ORDER BY " : ", ") + sql::quoted(out.order[i].column) +
                (out.order[i].descending ? " DESC" : "") +
                std::string(nulls(table, out.order[i], dialect));
  out.text += " LIMIT " + parameter(out, static_cast<std::int64_t>(request.limit) + 1);
  // A view has no key to go on from: pages are counted.
  if (table.view && !cursor.empty()) out.text += " OFFSET " + parameter(out, cursor[0]);
  return out;
}

}  // namespace sluice::projection
