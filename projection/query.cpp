// SPDX-License-Identifier: Apache-2.0
#include "projection/query.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "projection/query_cursor.hpp"
#include "projection/schema.hpp"
#include "projection/sql.hpp"
#include "sqlite/guard.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kLimitMax = 10'000;
constexpr std::size_t kFiltersMax = 32;

// A SELECT while it is written. Its text holds the model's quoted names, the operators below and
// numbered parameters, nothing else.
struct Select {
  std::string text;
  std::vector<Cell> values;

  std::string parameter(Cell value) {
    values.push_back(std::move(value));
    return "?" + std::to_string(values.size());
  }
};

std::string_view operator_text(QueryFilter::Op op) {
  switch (op) {
    case QueryFilter::Op::kEq:
      return " = ";
    case QueryFilter::Op::kNe:
      return " <> ";
    case QueryFilter::Op::kLt:
      return " < ";
    case QueryFilter::Op::kLe:
      return " <= ";
    case QueryFilter::Op::kGt:
      return " > ";
    case QueryFilter::Op::kGe:
      return " >= ";
    case QueryFilter::Op::kIsNull:
      return " IS NULL";
    case QueryFilter::Op::kNotNull:
      return " IS NOT NULL";
  }
  return " = ";
}

// A view's computed column has no declared type: a number if it looks like one.
Cell guess_cell(std::string_view text) {
  if (auto whole = parse_cell(Type::kInt, text)) return std::move(*whole);
  if (auto real = parse_cell(Type::kReal, text)) return std::move(*real);
  return std::string(text);
}

Cell read_cell(const sqlite::Statement& row, int column) {
  switch (row.type(column)) {
    case sqlite::Statement::Type::kInteger:
      return row.integer(column);
    case sqlite::Statement::Type::kFloat:
      return row.real(column);
    case sqlite::Statement::Type::kText:
      return std::string(row.text(column));
    case sqlite::Statement::Type::kBlob:
      return Bytes{std::string(row.blob(column))};
    default:
      return std::monostate{};
  }
}

void bind_cell(sqlite::Statement& statement, int number, const Cell& cell) {
  if (const auto* v = std::get_if<std::int64_t>(&cell))
    statement.bind(number, *v);
  else if (const auto* d = std::get_if<double>(&cell))
    statement.bind(number, *d);
  else if (const auto* t = std::get_if<std::string>(&cell))
    statement.bind(number, std::string_view(*t));
  else if (const auto* b = std::get_if<Bytes>(&cell))
    statement.bind_blob(number, std::string_view(b->value));
  else
    statement.bind_null(number);
}

class SqliteQuery final : public Query {
 public:
  SqliteQuery(const Model& model, sqlite::Database database) : database_(std::move(database)) {
    for (const Table& table : model.tables()) {
      QueryTable out{table.name, false, {}};
      for (const Column& key : table.key) out.columns.push_back({key.name, key.type, true});
      for (const Column& column : table.columns)
        out.columns.push_back({column.name, column.type, false});
      tables_.push_back(std::move(out));
    }
    for (const View& view : model.views()) {
      QueryTable out{view.name, true, {}};
      for (const std::string& name : view.columns) {
        const auto typed = std::find_if(view.types.begin(), view.types.end(),
                                        [&](const auto& item) { return item.first == name; });
        out.columns.push_back(
            {name, typed == view.types.end() ? std::nullopt : std::optional(typed->second), false});
      }
      tables_.push_back(std::move(out));
    }
  }

  const std::vector<QueryTable>& tables() const override { return tables_; }
  Result<QueryPage> run(const QueryRequest& request, std::chrono::milliseconds deadline) override;

 private:
  Result<void> select(const QueryTable& table, const QueryRequest& request, QueryPage& page,
                      Select& out, std::vector<QueryOrder>& order);
  Result<QueryPage> read(const QueryTable& table, const QueryRequest& request, const Select& select,
                         const std::vector<QueryOrder>& order, QueryPage page);

  sqlite::Database database_;
  std::vector<QueryTable> tables_;
};

Result<const QueryColumn*> column_of(const QueryTable& table, const std::string& name) {
  for (const QueryColumn& column : table.columns)
    if (column.name == name) return &column;
  return fail(Errc::kBadRequest, "'" + core::printable(name) + "' is no column of " + table.name,
              name);
}

Result<std::string> condition(const QueryTable& table, const QueryFilter& filter, Select& out) {
  const auto column = column_of(table, filter.column);
  if (!column) return column.error();
  std::string text = sql::quoted((*column)->name) + std::string(operator_text(filter.op));
  if (filter.op == QueryFilter::Op::kIsNull || filter.op == QueryFilter::Op::kNotNull) return text;
  if (!(*column)->type) return text + out.parameter(guess_cell(filter.value));
  auto value = parse_cell(*(*column)->type, filter.value);
  if (!value) return fail(Errc::kBadRequest, value.error().message, filter.column);
  return text + out.parameter(std::move(*value));
}

// Rows behind `values` in the order of `order`. NULL is the least value in SQLite's order.
std::string behind(const std::vector<QueryOrder>& order, const std::vector<Cell>& values,
                   std::size_t from, Select& out) {
  const std::string name = sql::quoted(order[from].column);
  const bool null = std::holds_alternative<std::monostate>(values[from]);
  std::string after;
  if (order[from].descending)
    after =
        null ? "0" : "(" + name + " < " + out.parameter(values[from]) + " OR " + name + " IS NULL)";
  else
    after = null ? name + " IS NOT NULL" : name + " > " + out.parameter(values[from]);
  if (from + 1 == order.size()) return after;
  return "(" + after + " OR (" + name + " IS " + out.parameter(values[from]) + " AND " +
         behind(order, values, from + 1, out) + "))";
}

Result<void> SqliteQuery::select(const QueryTable& table, const QueryRequest& request,
                                 QueryPage& page, Select& out, std::vector<QueryOrder>& order) {
  for (const std::string& field : request.fields) {
    const auto column = column_of(table, field);
    if (!column) return column.error();
    page.columns.push_back(**column);
  }
  if (request.fields.empty()) page.columns = table.columns;
  order = request.order;
  for (const QueryOrder& item : order)
    if (const auto column = column_of(table, item.column); !column) return column.error();
  for (const QueryColumn& column : table.columns)
    if (column.key && std::none_of(order.begin(), order.end(), [&](const QueryOrder& item) {
          return item.column == column.name;
        }))
      order.push_back({column.name, false});

  std::string names;
  for (const QueryColumn& column : page.columns)
    names += (names.empty() ? "" : ", ") + sql::quoted(column.name);
  for (const QueryOrder& item : order) names += ", " + sql::quoted(item.column);
  out.text = "SELECT " + names + " FROM " + sql::quoted(table.name);
  std::string where;
  for (const QueryFilter& filter : request.filters) {
    const auto text = condition(table, filter, out);
    if (!text) return text.error();
    where += (where.empty() ? " WHERE " : " AND ") + *text;
  }
  std::vector<Cell> cursor;
  if (!request.cursor.empty()) {
    auto read = read_cursor(request, table.view ? 1 : order.size());
    if (!read) return read.error();
    cursor = std::move(*read);
    if (table.view && !std::holds_alternative<std::int64_t>(cursor[0]))
      return fail(Errc::kBadRequest, "the cursor is not one of this request", "cursor");
    if (!table.view) where += (where.empty() ? " WHERE " : " AND ") + behind(order, cursor, 0, out);
  }
  out.text += where;
  for (std::size_t i = 0; i < order.size(); ++i)
    out.text += (i == 0 ? " ORDER BY " : ", ") + sql::quoted(order[i].column) +
                (order[i].descending ? " DESC" : "");
  out.text += " LIMIT " + out.parameter(static_cast<std::int64_t>(request.limit) + 1);
  // A view has no key to go on from: pages are counted.
  if (table.view && !cursor.empty()) out.text += " OFFSET " + out.parameter(cursor[0]);
  return {};
}

Result<QueryPage> SqliteQuery::run(const QueryRequest& request,
                                   std::chrono::milliseconds deadline) {
  const auto table = std::find_if(tables_.begin(), tables_.end(), [&](const QueryTable& item) {
    return item.name == request.table;
  });
  if (table == tables_.end())
    return fail(Errc::kNotFound, "the model has no table '" + core::printable(request.table) + "'");
  if (request.limit == 0 || request.limit > kLimitMax)
    return fail(Errc::kBadRequest, "the limit must be from 1 to 10000", "limit");
  if (request.filters.size() > kFiltersMax || request.order.size() > table->columns.size())
    return fail(Errc::kBadRequest, "too many conditions");
  QueryPage page;
  Select statement;
  std::vector<QueryOrder> order;
  SLUICE_TRY(select(*table, request, page, statement, order));
  const sqlite::Deadline limit(database_, deadline);
  auto done = read(*table, request, statement, order, std::move(page));
  if (!done && limit.expired())
    return fail(Errc::kLimit, "the query took longer than " + std::to_string(deadline.count()) +
                                  " ms; narrow it");
  return done;
}

Result<QueryPage> SqliteQuery::read(const QueryTable& table, const QueryRequest& request,
                                    const Select& select, const std::vector<QueryOrder>& order,
                                    QueryPage page) {
  auto statement = database_.prepare(select.text);
  if (!statement) return statement.error();
  for (std::size_t i = 0; i < select.values.size(); ++i)
    bind_cell(*statement, static_cast<int>(i) + 1, select.values[i]);
  const int fields = static_cast<int>(page.columns.size());
  std::vector<Cell> last;
  for (;;) {
    const auto row = statement->step();
    if (!row) return row.error();
    if (!*row) return page;
    if (page.rows.size() == request.limit) break;
    std::vector<Cell>& cells = page.rows.emplace_back();
    for (int i = 0; i < fields; ++i) cells.push_back(read_cell(*statement, i));
    if (page.rows.size() < request.limit) continue;
    for (std::size_t i = 0; i < order.size(); ++i)
      last.push_back(read_cell(*statement, fields + static_cast<int>(i)));
  }
  if (table.view) {
    std::int64_t before = 0;
    if (!request.cursor.empty())
      if (const auto cursor = read_cursor(request, 1))
        before = std::get<std::int64_t>((*cursor)[0]);
    last = {before + static_cast<std::int64_t>(page.rows.size())};
  }
  page.next_cursor = write_cursor(request, last);
  return page;
}

}  // namespace

Result<std::unique_ptr<Query>> Query::open(std::shared_ptr<const Model> model,
                                           const std::filesystem::path& file) {
  auto database = open_model_for_reading(*model, file);
  if (!database) return database.error();
  sqlite::allow_only_selects(*database, kInternalPrefix);
  return std::unique_ptr<Query>(std::make_unique<SqliteQuery>(*model, std::move(*database)));
}

}  // namespace sluice::projection
