// SPDX-License-Identifier: Apache-2.0
// The part of the model's parser that reads [[table.x.on]].
#include <algorithm>
#include <array>
#include <map>

#include "core/text.hpp"
#include "projection/extract.hpp"
#include "projection/model_parser.hpp"

namespace sluice::projection {
namespace {

constexpr std::size_t kOperationsMax = 60;
constexpr std::array<Operator, 5> kOperators = {Operator::kSet, Operator::kInc, Operator::kMin,
                                                Operator::kMax, Operator::kLatest};

}  // namespace

std::string_view operator_word(Operator op) {
  static constexpr std::array<std::string_view, 5> kWords = {"set", "inc", "min", "max", "latest"};
  return kWords[static_cast<std::size_t>(op)];
}

void ModelParser::rule(Table& table, const toml::table& from) {
  refuse_unknown(from,
                 {"type", "category", "create", "delete", "set", "inc", "min", "max", "latest"},
                 errors_);
  Rule rule;
  rule.line = from.source().begin.line;
  rule.types = texts_at(from, "type", errors_);
  rule.categories = texts_at(from, "category", errors_);
  if (from.get("type") == nullptr)
    errors_.add(from, "'type', the event type or a list of them, is missing");
  for (const std::string& type : rule.types)
    if (const auto ok = core::check_type(type); !ok)
      errors_.add(*from.get("type"), ok.error().message);
  for (const std::string& category : rule.categories)
    if (const auto ok = core::check_category(category); !ok)
      errors_.add(*from.get("category"), ok.error().message);
  rule.remove = flag_at(from, "delete", errors_).value_or(false);
  rule.create = flag_at(from, "create", errors_).value_or(!rule.remove);
  for (const Operator op : kOperators)
    if (const toml::table* columns = table_at(from, operator_word(op), errors_))
      operations(table, rule, op, *columns);
  check_rule(table, rule, from);
  table.rules.push_back(std::move(rule));
}

void ModelParser::operations(Table& table, Rule& rule, Operator op, const toml::table& from) {
  for (const TomlEntry& entry : entries_of(from)) operation(table, rule, op, entry);
}

void ModelParser::operation(Table& table, Rule& rule, Operator op, const TomlEntry& entry) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                               [&](const Column& column) { return column.name == entry.key; });
  if (at == table.columns.end()) {
    if (broken_.contains(entry.key)) return;
    const bool in_key = std::any_of(table.key.begin(), table.key.end(),
                                    [&](const Column& key) { return key.name == entry.key; });
    return errors_.add(entry.where, in_key ? "'" + entry.key + "' is a key column and never changes"
                                           : "table '" + table.name + "' has no column '" +
                                                 core::printable(entry.key) + "'");
  }
  Operation operation;
  operation.op = op;
  operation.column = static_cast<std::size_t>(at - table.columns.begin());
  for (const Operation& other : rule.operations)
    if (other.column == operation.column)
      return errors_.add(entry.where, "column '" + entry.key + "' is changed twice by one event");
  const auto text = entry.node->value_exact<std::string>();
  const bool is_source = text && !text->empty() && (text->front() == '.' || text->front() == '$');
  if (is_source) {
    auto source = parse_source(*text);
    if (!source) return errors_.add(*entry.node, source.error().message);
    operation.source = std::move(*source);
  } else {
    auto cell = constant(at->type, *entry.node);
    if (!cell) return;
    operation.source.constant = std::move(*cell);
  }
  check_operation(table, op, *at, operation.source, entry);
  rule.operations.push_back(std::move(operation));
}

void ModelParser::check_operation(const Table& table, Operator op, const Column& column,
                                  const Source& source, const TomlEntry& entry) {
  const bool number = column.type == Type::kInt || column.type == Type::kReal;
  const auto known = source_type(source.kind);
  if (op == Operator::kInc && !number)
    errors_.add(entry.where, "inc needs a column of type int or real");
  if ((op == Operator::kMin || op == Operator::kMax) &&
      (column.type == Type::kBool || column.type == Type::kBytes))
    errors_.add(entry.where, std::string(operator_word(op)) + " does not order " +
                                 std::string(type_word(column.type)));
  if (known && *known != column.type)
    errors_.add(*entry.node, source.text + " is of type " + std::string(type_word(*known)) +
                                 ", column '" + column.name + "' of type " +
                                 std::string(type_word(column.type)));
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
        errors_.add({{rule.line, 1}, {rule.line, 1}, nullptr},
                    "column '" + table.columns[operation.column].name +
                        "' is changed by latest elsewhere, so by nothing else");
    }
  table.latest_groups = groups.size();
}

}  // namespace sluice::projection
