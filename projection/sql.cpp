// SPDX-License-Identifier: Apache-2.0
#include "projection/sql.hpp"

#include <algorithm>
#include <set>

namespace sluice::projection::sql {
namespace {

// One rule's statement while it is written.
class Writer {
 public:
  Writer(const Table& table, const Rule& rule, Mask mask)
      : table_(table), rule_(rule), time_(table.key.size() + rule.operations.size() + 1) {
    for (std::size_t i = 0; i < rule.operations.size(); ++i)
      if ((mask >> i & 1) != 0) used_.push_back(i);
    for (const std::size_t i : used_)
      if (operation(i).op == Operator::kLatest) groups_.insert(operation(i).latest_group);
    change_.uses_time = !groups_.empty();
  }

  Change remove() {
    change_.text = "DELETE FROM " + quoted(table_.name) + where_key();
    return std::move(change_);
  }

  Change update() {
    if (used_.empty()) return std::move(change_);  // nothing to do
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
    }
    change_.text = "INSERT INTO " + quoted(table_.name) + " (" + names + ") VALUES (" + values +
                   ") ON CONFLICT (" + key_names() + ") DO ";
    change_.text += used_.empty() ? "NOTHING" : "UPDATE SET " + assignments();
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
    return parameter(time_ + 1 + change_.fallbacks.size());
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
        return v;
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
    }
    return v;
  }

  std::string newer(std::size_t group) const {
    const std::string at = stored(quoted(latest_at(group)));
    const std::string by = stored(quoted(latest_by(group)));
    const std::string time = parameter(time_);
    const std::string tie = parameter(time_ + 1);
    return at + " IS NULL OR " + time + " > " + at + " OR (" + time + " = " + at + " AND " + tie +
           " > " + by + ")";
  }

  std::string if_newer(std::size_t group, const std::string& then, const std::string& old) const {
    if (only_one_group()) return then;
    return "CASE WHEN " + newer(group) + " THEN " + then + " ELSE " + old + " END";
  }

  // All operations are `latest` of one group: one condition on the row does for all columns.
  bool only_one_group() const {
    return groups_.size() == 1 && std::all_of(used_.begin(), used_.end(), [&](std::size_t i) {
             return operation(i).op == Operator::kLatest;
           });
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
    }
    if (only_one_group() && rule_.create) out += " WHERE " + newer(*groups_.begin());
    return out;
  }

  const Table& table_;
  const Rule& rule_;
  const std::size_t time_;  // number of the parameter that holds the event's time
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

std::string_view column_type(Type type) {
  switch (type) {
    case Type::kText:
      return "TEXT";
    case Type::kReal:
      return "REAL";
    case Type::kBytes:
      return "BLOB";
    default:
      return "INTEGER";
  }
}

std::string latest_at(std::size_t group) {
  return "_sluice_at_" + std::to_string(group);
}
std::string latest_by(std::size_t group) {
  return "_sluice_by_" + std::to_string(group);
}

std::string create_table(const Table& table) {
  std::string out = "CREATE TABLE " + quoted(table.name) + " (\n";
  const auto line = [&](const Column& column) {
    out += "  " + quoted(column.name) + " " + std::string(column_type(column.type));
  };
  for (const Column& key : table.key) {
    line(key);
    out += " NOT NULL,\n";
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    line(table.columns[i]);
    // A sum that leaves the domain would be stored as infinity.
    if (table.columns[i].type == Type::kReal && is_incremented(table, i))
      out += " CHECK (abs(" + quoted(table.columns[i].name) + ") < 9e999)";
    out += ",\n";
  }
  for (std::size_t group = 0; group < table.latest_groups; ++group)
    out +=
        "  " + quoted(latest_at(group)) + " INTEGER,\n  " + quoted(latest_by(group)) + " BLOB,\n";
  out += "  PRIMARY KEY (";
  for (std::size_t i = 0; i < table.key.size(); ++i)
    out += (i == 0 ? "" : ", ") + quoted(table.key[i].name);
  return out + ")\n) STRICT, WITHOUT ROWID";
}

std::string create_view(const View& view) {
  return "CREATE VIEW " + quoted(view.name) + " AS\n" + view.sql + "\n";
}

Mask all_operations(const Rule& rule) {
  return rule.operations.size() == 64 ? ~Mask{0} : (Mask{1} << rule.operations.size()) - 1;
}

Change change(const Table& table, const Rule& rule, Mask mask) {
  Writer writer(table, rule, mask);
  if (rule.remove) return writer.remove();
  return rule.create ? writer.upsert() : writer.update();
}

}  // namespace sluice::projection::sql
