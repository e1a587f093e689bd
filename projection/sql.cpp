// SPDX-License-Identifier: Apache-2.0
#include "projection/sql.hpp"

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

// One rule's statement while it is written.
class Writer {
 public:
  Writer(const Table& table, const Rule& rule, Mask mask, bool is_late)
      : table_(table),
        rule_(rule),
        time_(table.key.size() + rule.operations.size() + 1),
        is_late_(is_late) {
    for (std::size_t i = 0; i < rule.operations.size(); ++i)
      if ((mask >> i & 1) != 0) used_.push_back(i);
    for (const std::size_t i : used_)
      if (operation(i).op == Operator::kLatest) groups_.insert(operation(i).latest_group);
    change_.uses_time = !groups_.empty();
    keeps_order_ = !table.shared;
    keeps_row_order_ = keeps_order_ && is_deleted(table);
  }

  Change remove() {
    change_.text = "DELETE FROM " + quoted(table_.name) + where_key();
    if (is_late_ && keeps_row_order_) change_.text += " AND " + not_newer(std::string(kRowOrder));
    return std::move(change_);
  }

  Change update() {
    if (used_.empty()) return std::move(change_);  // nothing to do, and no row to be made
    change_.text = "UPDATE " + quoted(table_.name) + " SET " + assignments() + where_key();
    if (only_one_group()) change_.text += " AND (" + newer(*groups_.begin()) + ")";
    return std::move(change_);
  }

  Change upsert() {
    std::string names;
    std::string values;
    const auto add = [&](const std::string& name, const std::string& value) {
      names += (names.empty() ? "" : ", ") + name;
      values += (values.empty() ? "" : ", ") + value;
    };
    for (std::size_t i = 0; i < table_.key.size(); ++i)
      add(quoted(table_.key[i].name), parameter(i + 1));
    for (const std::size_t i : used_) add(column(i), initial(i));
    for (std::size_t c = 0; c < table_.columns.size(); ++c)
      if (table_.columns[c].fallback && !is_used(c))
        add(quoted(table_.columns[c].name), bound(*table_.columns[c].fallback));
    for (const std::size_t group : groups_) {
      add(quoted(latest_at(group)), parameter(time_));
      add(quoted(latest_by(group)), parameter(time_ + 1));
      if (keeps_order_) add(quoted(latest_order(group)), order());
    }
    for (const std::size_t i : used_)
      if (keeps_order_ && operation(i).op == Operator::kSet)
        add(quoted(set_order(operation(i).column)), order());
    if (keeps_row_order_) add(quoted(kRowOrder), order());
    change_.text = "INSERT INTO " + quoted(table_.name) + " (" + names + ") VALUES (" + values +
                   ") ON CONFLICT (" + key_names() + ") DO ";
    const std::string assigned = assignments();
    change_.text += assigned.empty() ? "NOTHING" : "UPDATE SET " + assigned;
    return std::move(change_);
  }

 private:
  const Operation& operation(std::size_t i) const { return rule_.operations[i]; }
  const Column& definition(std::size_t i) const { return table_.columns[operation(i).column]; }
  std::string column(std::size_t i) const { return quoted(definition(i).name); }
  std::string stored(const std::string& column) const {
    return quoted(table_.name) + "." + column;  // PostgreSQL takes a bare name for ambiguous
  }
  static std::string parameter(std::size_t number) { return "?" + std::to_string(number); }
  std::string value(std::size_t i) const { return parameter(table_.key.size() + i + 1); }

  bool is_used(std::size_t column) const {
    return std::any_of(used_.begin(), used_.end(),
                       [&](std::size_t i) { return operation(i).column == column; });
  }

  std::string bound(const Cell& fallback) {
    change_.fallbacks.push_back(fallback);
    return parameter(time_ + 2 + change_.fallbacks.size());
  }

  std::string order() {
    change_.uses_order = true;
    return parameter(time_ + 2);
  }

  // The stored value is not of a newer epoch than this event.
  std::string not_newer(const std::string& order_column) {
    const std::string old = stored(quoted(order_column));
    return "(" + old + " IS NULL OR " + order() + " >= " + old + ")";
  }

  // What a hidden order column becomes when its value is taken.
  std::string raised(const std::string& order_column) {
    if (!is_late_) return order();
    return "CASE WHEN " + not_newer(order_column) + " THEN " + order() + " ELSE " +
           stored(quoted(order_column)) + " END";
  }

  std::string key_names() const {
    std::string out;
    for (const Column& key : table_.key) out += (out.empty() ? "" : ", ") + quoted(key.name);
    return out;
  }

  std::string where_key() const {
    std::string out;
    for (std::size_t i = 0; i < table_.key.size(); ++i)
      out += (out.empty() ? " WHERE " : " AND ") + quoted(table_.key[i].name) + " = " +
             parameter(i + 1);
    return out;
  }

  // What a new row holds: the operation upon the column's default.
  std::string initial(std::size_t i) {
    const std::string v = value(i);
    const Operator op = operation(i).op;
    if (!definition(i).fallback || op == Operator::kSet || op == Operator::kLatest) return v;
    const std::string d = bound(*definition(i).fallback);
    if (op == Operator::kInc) return "(" + d + " + " + v + ")";
    const std::string better = op == Operator::kMin ? " < " : " > ";
    return "CASE WHEN " + v + better + d + " THEN " + v + " ELSE " + d + " END";
  }

  // max(NULL, 5) is NULL in SQLite and 5 in PostgreSQL: hence CASE, which both read alike.
  std::string changed(std::size_t i) {
    const std::string v = value(i);
    const std::string old = stored(column(i));
    switch (operation(i).op) {
      case Operator::kSet:
        if (!is_late_ || !keeps_order_) return v;
        return "CASE WHEN " + not_newer(set_order(operation(i).column)) + " THEN " + v + " ELSE " +
               old + " END";
      case Operator::kInc:
        return "CASE WHEN " + old + " IS NULL THEN " + v + " ELSE " + old + " + " + v + " END";
      case Operator::kMin:
        return "CASE WHEN " + old + " IS NULL OR " + v + " < " + old + " THEN " + v + " ELSE " +
               old + " END";
      case Operator::kMax:
        return "CASE WHEN " + old + " IS NULL OR " + v + " > " + old + " THEN " + v + " ELSE " +
               old + " END";
      case Operator::kLatest:
        return if_newer(operation(i).latest_group, v, old);
      default:
        break;
    }
    return v;
  }

  std::string newer(std::size_t group) {
    const std::string by_time = later(group);
    if (!is_late_ || !keeps_order_) return by_time;
    return "(" + by_time + ") AND " + not_newer(latest_order(group));
  }

  std::string later(std::size_t group) const {
    const std::string at = stored(quoted(latest_at(group)));
    const std::string by = stored(quoted(latest_by(group)));
    const std::string time = parameter(time_);
    const std::string tie = parameter(time_ + 1);
    return at + " IS NULL OR " + time + " > " + at + " OR (" + time + " = " + at + " AND " + tie +
           " > " + by + ")";
  }

  std::string if_newer(std::size_t group, const std::string& then, const std::string& old) {
    if (only_one_group()) return then;
    return "CASE WHEN " + newer(group) + " THEN " + then + " ELSE " + old + " END";
  }

  // All operations are `latest` of one group: one condition on the row does for all columns.
  bool only_one_group() const {
    return !keeps_row_order_ && groups_.size() == 1 &&
           std::all_of(used_.begin(), used_.end(),
                       [&](std::size_t i) { return operation(i).op == Operator::kLatest; });
  }

  std::string assignments() {
    std::string out;
    const auto add = [&](const std::string& name, const std::string& expression) {
      out += (out.empty() ? "" : ", ") + name + " = " + expression;
    };
    for (const std::size_t i : used_) add(column(i), changed(i));
    for (const std::size_t group : groups_) {
      const std::string at = quoted(latest_at(group));
      const std::string by = quoted(latest_by(group));
      add(at, if_newer(group, parameter(time_), stored(at)));
      add(by, if_newer(group, parameter(time_ + 1), stored(by)));
      const std::string of = quoted(latest_order(group));
      if (keeps_order_) add(of, if_newer(group, order(), stored(of)));
    }
    for (const std::size_t i : used_)
      if (keeps_order_ && operation(i).op == Operator::kSet) {
        const std::string of = set_order(operation(i).column);
        add(quoted(of), raised(of));
      }
    if (keeps_row_order_) add(quoted(kRowOrder), raised(std::string(kRowOrder)));
    if (only_one_group() && rule_.create) out += " WHERE " + newer(*groups_.begin());
    return out;
  }

  const Table& table_;
  const Rule& rule_;
  const std::size_t time_;  // number of the parameter that holds the event's time
  const bool is_late_;
  bool keeps_order_ = false;
  bool keeps_row_order_ = false;
  std::vector<std::size_t> used_;
  std::set<std::size_t> groups_;
  Change change_;
};

bool is_incremented(const Table& table, std::size_t column) {
  for (const Rule& rule : table.rules)
    for (const Operation& operation : rule.operations)
      if (operation.column == column && operation.op == Operator::kInc) return true;
  return false;
}

}  // namespace

std::string quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

std::string_view column_type(Type type, Dialect dialect) {
  const bool postgres = dialect == Dialect::kPostgres;
  switch (type) {
    case Type::kText:
    case Type::kList:
      return postgres ? "text COLLATE \"C\"" : "TEXT";  // both in the order of the bytes
    case Type::kReal:
      return postgres ? "double precision" : "REAL";
    case Type::kBytes:
      return postgres ? "bytea" : "BLOB";
    case Type::kBool:
      return postgres ? "boolean" : "INTEGER";
    default:
      return postgres ? "bigint" : "INTEGER";
  }
}

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

std::string create_table(const Table& table, Dialect dialect) {
  const bool sqlite = dialect == Dialect::kSqlite;
  std::string out = "CREATE TABLE " + quoted(table.name) + " (\n";
  const auto line = [&](const std::string& name, Type type) {
    out += "  " + quoted(name) + " " + std::string(column_type(type, dialect));
  };
  for (const Column& key : table.key) {
    line(key.name, key.type);
    out += " NOT NULL,\n";
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    line(table.columns[i].name, table.columns[i].type);
    if (sqlite && table.columns[i].type == Type::kReal && is_incremented(table, i))
      out += " CHECK (abs(" + quoted(table.columns[i].name) + ") < 9e999)";
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

Mask all_operations(const Rule& rule) {
  return rule.operations.size() == 64 ? ~Mask{0} : (Mask{1} << rule.operations.size()) - 1;
}

Change change(const Table& table, const Rule& rule, Mask mask, bool is_late) {
  Writer writer(table, rule, mask, is_late);
  if (rule.remove) return writer.remove();
  return rule.create ? writer.upsert() : writer.update();
}

}  // namespace sluice::projection::sql
