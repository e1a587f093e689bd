// SPDX-License-Identifier: Apache-2.0
// The part of the model's parser that reads [[table.x.on]].
#include <algorithm>
#include <array>
#include <map>

#include "core/text.hpp"
#include "projection/model/extract.hpp"
#include "projection/model/parser.hpp"

namespace sluice::projection {
namespace {

constexpr std::size_t kOperationsMax = 60;
constexpr std::array<Operator, 8> kOperators = {
    Operator::kSet, Operator::kInc,    Operator::kDec,    Operator::kMin,
    Operator::kMax, Operator::kLatest, Operator::kAppend, Operator::kCount};

bool is_number(Type type) {
  return type == Type::kInt || type == Type::kReal;
}

}  // namespace

std::string_view operator_word(Operator op) {
  static constexpr std::array<std::string_view, 8> kWords = {"set",    "inc", "min",   "max",
                                                             "latest", "dec", "count", "append"};
  return kWords[static_cast<std::size_t>(op)];
}

void ModelParser::about(const toml::table& from, std::vector<std::string>& types,
                        std::vector<std::string>& categories) {
  types = texts_at(from, "type", errors_);
  categories = texts_at(from, "category", errors_);
  if (from.get("type") == nullptr)
    errors_.add(from, "'type', the event type or a list of them, is missing");
  for (const std::string& type : types)
    if (const auto ok = core::check_type(type); !ok)
      errors_.add(*from.get("type"), ok.error().message);
  for (const std::string& category : categories)
    if (const auto ok = core::check_category(category); !ok)
      errors_.add(*from.get("category"), ok.error().message);
}

void ModelParser::rule(Table& table, const toml::table& from) {
  refuse_unknown(from,
                 {"type", "category", "when", "create", "delete", "set", "inc", "dec", "min", "max",
                  "latest", "append", "count"},
                 errors_);
  Rule rule;
  rule.where = place_of(from.source());
  about(from, rule.types, rule.categories);
  rule.when = when(&table, from);
  rule.remove = flag_at(from, "delete", errors_).value_or(false);
  rule.create = flag_at(from, "create", errors_).value_or(!rule.remove);
  for (const Operator op : kOperators) {
    const toml::node* node = from.get(operator_word(op));
    if (op == Operator::kCount && node != nullptr && !node->is_table())
      counts(table, rule, *node);
    else if (const toml::table* columns = table_at(from, operator_word(op), errors_))
      operations(table, rule, op, *columns);
  }
  check_rule(table, rule, from);
  table.rules.push_back(std::move(rule));
}

void ModelParser::operations(Table& table, Rule& rule, Operator op, const toml::table& from) {
  for (const TomlEntry& entry : entries_of(from)) operation(table, rule, op, entry);
}

// count = "readings": each event that fits counts.
void ModelParser::counts(Table& table, Rule& rule, const toml::node& node) {
  const toml::value<std::int64_t> one(1);
  const toml::array* list = node.as_array();
  const auto add = [&](const toml::node& name) {
    if (const auto text = name.value_exact<std::string>())
      operation(table, rule, Operator::kCount, {*text, &one, name.source()});
    else
      errors_.add(name, "'count' is a column, a list of columns or { column = \".field\" }");
  };
  if (list == nullptr) return add(node);
  for (const toml::node& item : *list) add(item);
}

std::optional<std::size_t> ModelParser::column_named(const Table& table, const TomlEntry& entry) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                               [&](const Column& column) { return column.name == entry.key; });
  if (at != table.columns.end()) return static_cast<std::size_t>(at - table.columns.begin());
  if (broken_.contains(entry.key)) return std::nullopt;
  const bool in_key = std::any_of(table.key.begin(), table.key.end(),
                                  [&](const Column& key) { return key.name == entry.key; });
  errors_.add(entry.where, in_key ? "'" + entry.key + "' is a key column and never changes"
                                  : "table '" + table.name + "' has no column '" +
                                        core::printable(entry.key) + "'");
  return std::nullopt;
}

void ModelParser::operation(Table& table, Rule& rule, Operator op, const TomlEntry& entry) {
  const auto at = column_named(table, entry);
  if (!at) return;
  Column& column = table.columns[*at];
  Operation operation;
  operation.op = op;
  operation.column = *at;
  operation.where = place_of(entry.where);
  for (const Operation& other : rule.operations)
    if (other.column == operation.column)
      return errors_.add(entry.where, "column '" + entry.key + "' is changed twice by one event");
  if (op == Operator::kAppend) {
    if (!append_items(column, operation, *entry.node)) return;
  } else if (op == Operator::kCount && entry.node->is_string()) {
    // Whatever the field holds: it is there or not.
    const auto text = *entry.node->value_exact<std::string>();
    auto of = source(&table, text, *entry.node);
    if (!of) return;
    operation.source = std::move(*of);
  } else if (op == Operator::kCount) {
    if (entry.node->value_exact<std::int64_t>() != 1)
      return errors_.add(*entry.node,
                         "'count' adds 1: count = \"column\" or { column = \".field\" }");
    operation.source.constant = Cell(std::int64_t{1});
  } else {
    auto of = value(&table, column.type, *entry.node);
    if (!of) return;
    operation.source = std::move(*of);
  }
  check_operation(table, operation, entry);
  // A number of events is 0, not NULL, before the first.
  if (op == Operator::kCount && !column.fallback) column.fallback = Cell(std::int64_t{0});
  rule.operations.push_back(std::move(operation));
}

bool ModelParser::append_items(const Column& column, Operation& operation, const toml::node& node) {
  if (column.type != Type::kList) {
    errors_.add(node, "append needs a column of type list");
    return false;
  }
  const bool single = column.items.size() == 1 && column.items[0].name.empty();
  const toml::table* fields = node.as_table();
  if (single != (fields == nullptr)) {
    errors_.add(node, single ? "the list holds single values: \"$source\" or \".field\""
                             : "the list holds several values each: { name = \".field\", ... }");
    return false;
  }
  for (const ListItem& item : column.items) {
    const toml::node* of = single ? &node : fields->get(item.name);
    if (of == nullptr) {
      errors_.add(node, "the value '" + item.name + "' of the list is missing");
    } else if (of->is_table()) {
      errors_.add(*of, "append takes sources and constants");
    } else if (auto made = value(nullptr, item.type, *of)) {
      operation.items.push_back(std::move(*made));
    }
  }
  if (!single)
    for (const TomlEntry& entry : entries_of(*fields))
      if (std::none_of(column.items.begin(), column.items.end(),
                       [&](const ListItem& item) { return item.name == entry.key; }))
        errors_.add(entry.where, "the list's elements have no value '" + entry.key + "'");
  return operation.items.size() == column.items.size();
}

void ModelParser::check_operation(const Table& table, const Operation& operation,
                                  const TomlEntry& entry) {
  const Column& column = table.columns[operation.column];
  const Operator op = operation.op;
  const std::string word(operator_word(op));
  if ((op == Operator::kInc || op == Operator::kDec) && !is_number(column.type))
    errors_.add(entry.where, word + " needs a column of type int or real");
  if (op == Operator::kCount && column.type != Type::kInt)
    errors_.add(entry.where, "count needs a column of type int");
  if ((op == Operator::kMin || op == Operator::kMax) &&
      (column.type == Type::kBool || column.type == Type::kBytes || column.type == Type::kList))
    errors_.add(entry.where, word + " does not order " + std::string(type_word(column.type)));
  if ((op == Operator::kSet || op == Operator::kLatest) && column.type == Type::kList)
    errors_.add(entry.where, "a list is changed by append");
  if (op == Operator::kSet && table.shared)
    errors_.add(entry.where,
                "set is refused in a shared table: which gateway's event comes last is "
                "not determined; use latest, which decides by time, gateway, lane, seq");
}

void ModelParser::check_rule(const Table& table, const Rule& rule, const toml::table& from) {
  if (rule.remove && !rule.operations.empty())
    errors_.add(from, "an event deletes the row or changes it, not both");
  if (rule.remove && rule.create) errors_.add(from, "an event that deletes cannot create");
  if (rule.remove && table.shared)
    errors_.add(from,
                "delete is refused in a shared table: what of the other gateways' events comes "
                "after it is not determined");
  if (!rule.remove && !rule.create && rule.operations.empty())
    errors_.add(from, "an event that neither creates, changes nor deletes a row");
  if (rule.operations.size() > kOperationsMax)
    errors_.add(from, "more than " + std::to_string(kOperationsMax) + " columns in one rule");
}

// The columns that the same rules change with `latest` always take their values from one event, so
// they share one memory of it.
void ModelParser::latest_groups(Table& table) {
  std::map<std::size_t, std::vector<std::size_t>> rules_of;  // column -> rules with latest
  for (std::size_t r = 0; r < table.rules.size(); ++r)
    for (const Operation& operation : table.rules[r].operations)
      if (operation.op == Operator::kLatest) rules_of[operation.column].push_back(r);
  std::map<std::vector<std::size_t>, std::size_t> groups;
  for (const auto& [column, rules] : rules_of) groups.emplace(rules, groups.size());
  for (Rule& rule : table.rules)
    for (Operation& operation : rule.operations) {
      const auto found = rules_of.find(operation.column);
      if (found == rules_of.end()) continue;
      if (operation.op == Operator::kLatest)
        operation.latest_group = groups[found->second];
      else
        errors_.add(operation.where, "column '" + table.columns[operation.column].name +
                                         "' is changed by latest elsewhere, so by nothing else");
    }
  if (table.window && table.window->beyond == Window::Beyond::kCount &&
      rules_of.contains(table.window->column))
    errors_.add(table.where, "the column that counts what came too late is changed by latest");
  table.latest_groups = groups.size();
}

}  // namespace sluice::projection
