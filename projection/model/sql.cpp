// SPDX-License-Identifier: Apache-2.0
#include "projection/model/sql.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace sluice::projection::sql {
namespace {

bool any_operation(const Table& table, const std::function<bool(const Operation&)>& is) {
  return std::any_of(table.rules.begin(), table.rules.end(), [&](const Rule& rule) {
    return std::any_of(rule.operations.begin(), rule.operations.end(), is);
  });
}

bool is_set(const Table& table, std::size_t column) {
  return any_operation(table, [&](const Operation& operation) {
    return operation.column == column && operation.op == Operator::kSet;
  });
}

bool is_deleted(const Table& table) {
  return std::any_of(table.rules.begin(), table.rules.end(),
                     [](const Rule& rule) { return rule.remove; });
}

bool is_incremented(const Table& table, std::size_t column) {
  for (const Rule& rule : table.rules)
    for (const Operation& operation : rule.operations)
      if (operation.column == column && operation.op == Operator::kInc) return true;
  return false;
}

bool is_touched(const Model& model, const Table& table) {
  return std::any_of(model.sql_rules().begin(), model.sql_rules().end(), [&](const SqlRule& rule) {
    return std::any_of(rule.touches.begin(), rule.touches.end(),
                       [&](std::size_t index) { return &model.tables()[index] == &table; });
  });
}

// The value domain, as far as the database does not keep it by itself.
std::string check(const Column& column, Dialect dialect) {
  const bool sqlite = dialect == Dialect::kSqlite;
  const std::string name = quoted(column.name);
  switch (column.type) {
    case Type::kReal:
      return sqlite ? " CHECK (abs(" + name + ") < 9e999)"
                    : " CHECK (" + name + " > '-Infinity' AND " + name + " < 'Infinity')";
    case Type::kText:
      return sqlite ? " CHECK (instr(" + name + ", char(0)) = 0)" : "";
    case Type::kBool:
      return sqlite ? " CHECK (" + name + " IN (0, 1))" : "";
    case Type::kList:
      return sqlite ? " CHECK (json_type(" + name + ") = 'array')"
                    : " CHECK (json_typeof(" + name + "::json) = 'array')";
    default:
      return "";
  }
}

}  // namespace

std::string list_column(std::size_t column) {
  return "_sluice_list_" + std::to_string(column);
}

std::string latest_at(std::size_t group) {
  return "_sluice_at_" + std::to_string(group);
}
std::string latest_by(std::size_t group) {
  return "_sluice_by_" + std::to_string(group);
}

std::string set_order(std::size_t column) {
  return "_sluice_order_" + std::to_string(column);
}
std::string latest_order(std::size_t group) {
  return "_sluice_order_at_" + std::to_string(group);
}

std::string create_table(const Model& model, const Table& table, Dialect dialect) {
  const bool sqlite = dialect == Dialect::kSqlite;
  const bool checked = is_touched(model, table);
  std::string out = "CREATE TABLE " + quoted(table.name) + " (\n";
  const auto line = [&](const std::string& name, Type type) {
    out += "  " + quoted(name) + " " + std::string(column_type(type, dialect));
  };
  for (const Column& key : table.key) {
    line(key.name, key.type);
    out += " NOT NULL";
    if (checked) out += check(key, dialect);
    out += ",\n";
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    line(table.columns[i].name, table.columns[i].type);
    if (checked || (sqlite && table.columns[i].type == Type::kReal && is_incremented(table, i)))
      out += check(table.columns[i], dialect);
    out += ",\n";
  }
  for (std::size_t group = 0; group < table.latest_groups; ++group) {
    line(latest_at(group), Type::kInt);
    out += ",\n";
    line(latest_by(group), Type::kBytes);
    out += ",\n";
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].type != Type::kList) continue;
    line(list_column(i), Type::kBytes);
    out += ",\n";
  }
  for (const std::string& column : order_columns(table)) {
    line(column, Type::kInt);
    out += ",\n";
  }
  out += "  PRIMARY KEY (";
  for (std::size_t i = 0; i < table.key.size(); ++i)
    out += (i == 0 ? "" : ", ") + quoted(table.key[i].name);
  return out + (sqlite ? ")\n) STRICT, WITHOUT ROWID" : ")\n)");
}

std::string create_watermarks(Dialect dialect) {
  const std::string text(column_type(Type::kText, dialect));
  const std::string time(column_type(Type::kTime, dialect));
  return "CREATE TABLE " + quoted(kWatermarks) + " (\n  of_table " + text +
         " NOT NULL,\n  gateway " + text + " NOT NULL,\n  epoch " + text + " NOT NULL,\n  lane " +
         text + " NOT NULL,\n  at_ns " + time +
         " NOT NULL,\n  PRIMARY KEY (of_table, gateway, epoch, lane)\n)" +
         (dialect == Dialect::kSqlite ? " STRICT, WITHOUT ROWID" : "");
}

std::vector<std::string> order_columns(const Table& table) {
  std::vector<std::string> out;
  if (table.shared) return out;
  if (is_deleted(table)) out.emplace_back(kRowOrder);
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (is_set(table, i)) out.push_back(set_order(i));
  for (std::size_t group = 0; group < table.latest_groups; ++group)
    out.push_back(latest_order(group));
  return out;
}

std::string create_view(const View& view, Dialect dialect) {
  return "CREATE VIEW " + quoted(view.name) + " AS\n" + view.sql.of(dialect) + "\n";
}

}  // namespace sluice::projection::sql
