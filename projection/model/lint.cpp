// SPDX-License-Identifier: Apache-2.0
// The part of the model's parser that refuses what would depend on the order in which events of
// several lanes or gateways arrive. Within one gateway and lane order is total, and a category
// belongs to one lane for ever; between lanes and between gateways no order is defined, and two
// builds of one model would differ.
#include <algorithm>
#include <set>

#include "projection/model/extract.hpp"
#include "projection/model/layout.hpp"
#include "projection/model/parser.hpp"

namespace sluice::projection {
namespace {

constexpr std::size_t kPostgresKeyMax = 32;
constexpr std::size_t kPostgresColumnsMax = 1600;

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool has_gateway(const Table& table) {
  return std::any_of(table.key.begin(), table.key.end(),
                     [](const Column& key) { return names_gateway(key.source.kind); });
}

}  // namespace

void ModelParser::warn(const FilePlace& where, const std::string& what) {
  model_->warnings_.push_back(errors_.at(where) + "warning: " + what);
}

std::optional<std::string> ModelParser::only_category(
    const std::vector<std::string>& of_rule) const {
  const auto& of_model = model_->categories_;
  if (of_rule.empty()) return of_model.size() == 1 ? std::optional(of_model[0]) : std::nullopt;
  std::vector<std::string> both;
  for (const std::string& category : of_rule)
    if (of_model.empty() || contains(of_model, category)) both.push_back(category);
  return both.size() == 1 ? std::optional(both[0]) : std::nullopt;
}

// All events that can change one row come from one lane of one gateway.
bool ModelParser::is_in_line(const Table& table) const {
  if (!has_gateway(table)) return false;
  if (model_->lanes_.size() == 1) return true;
  if (std::any_of(table.key.begin(), table.key.end(), [](const Column& key) {
        return key.source.kind == Source::Kind::kStream ||
               key.source.kind == Source::Kind::kCategory || key.source.kind == Source::Kind::kLane;
      }))
    return true;
  std::set<std::optional<std::string>> seen;
  for (const Rule& rule : table.rules) seen.insert(only_category(rule.categories));
  return seen.size() == 1 && *seen.begin();
}

void ModelParser::lint() {
  for (Table& table : model_->tables_) {
    table.in_line = is_in_line(table);
    lint_table(table);
  }
  if (model_->target_ == Dialect::kPostgres)
    for (const Table& table : model_->tables_) lint_size(table);
  for (const SqlRule& rule : model_->sql_rules_)
    warn(rule.text.where,
         "SQL of your own is run as it stands: whether it depends on the order of events from "
         "several lanes or gateways is not looked at");
  lint_filters();
}

// What PostgreSQL would refuse when the table is made.
void ModelParser::lint_size(const Table& table) {
  if (table.key.size() > kPostgresKeyMax)
    errors_.add(table.where, "PostgreSQL takes at most " + std::to_string(kPostgresKeyMax) +
                                 " columns in a key; '" + table.name + "' has " +
                                 std::to_string(table.key.size()));
  const std::size_t columns = Layout(table).shape.columns.size();
  if (columns > kPostgresColumnsMax)
    errors_.add(table.where, "PostgreSQL takes at most " + std::to_string(kPostgresColumnsMax) +
                                 " columns in a table; '" + table.name + "' has " +
                                 std::to_string(columns) + ", with those of the engine's own");
}

void ModelParser::lint_table(const Table& table) {
  const bool free = table.any_order || table.in_line;
  const std::string between = has_gateway(table) ? "lanes of a gateway" : "gateways";
  const std::string why = " is refused here: events of several " + between +
                          " may meet in one row of '" + table.name +
                          "', and between them no order is defined. ";
  const std::string instead =
      has_gateway(table)
          ? "name the one category (category = \"...\" or [where] categories) or lane ([where] "
            "lanes), put $stream, $category or $lane into the key"
          : "put $gateway or $stream into the key";
  const std::string anyway =
      "; order = \"arrival\" in [table." + table.name + "] allows it as it comes";
  for (const Rule& rule : table.rules) {
    if (!free) {
      for (const Operation& operation : rule.operations)
        if (operation.op == Operator::kSet)
          errors_.add(operation.where,
                      "set" + why + "Use latest, which goes by $time, or " + instead + anyway);
      if (rule.remove) errors_.add(rule.where, "delete" + why + "To mend it, " + instead + anyway);
      if (!rule.remove && !rule.create)
        errors_.add(rule.where, "create = false" + why + "Leave it away, or " + instead + anyway);
      if (rule.when && rule.when->asks_row())
        errors_.add(rule.where,
                    "a condition upon the row" + why + "To mend it, " + instead + anyway);
    }
    for (const Column& key : table.key) lint_lookup(table, rule, key.source);
    for (const Operation& operation : rule.operations) lint_lookup(table, rule, operation.source);
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const bool used =
        (table.window && table.window->late_ns && table.window->beyond == Window::Beyond::kCount &&
         table.window->column == i) ||
        std::any_of(table.rules.begin(), table.rules.end(),
                    [&](const Rule& rule) {
                      return std::any_of(
                          rule.operations.begin(), rule.operations.end(),
                          [&](const Operation& operation) { return operation.column == i; });
                    }) ||
        !model_->sql_rules_.empty();
    if (!used)
      warn(table.where, "nothing changes the column '" + table.columns[i].name + "' of table '" +
                            table.name + "'");
  }
}

void ModelParser::lint_lookup(const Table& table, const Rule& rule, const Source& source) {
  if (source.kind != Source::Kind::kLookup || source.lookup->any_order || table.any_order) return;
  const Lookup& lookup = *source.lookup;
  const Table& of = model_->tables_[lookup.table];
  // The row must be the event's own gateway's, and of its lane.
  bool own_gateway = false;
  for (std::size_t i = 0; i < of.key.size(); ++i)
    own_gateway =
        own_gateway || (names_gateway(of.key[i].source.kind) && names_gateway(lookup.key[i].kind));
  bool own_lane = model_->lanes_.size() == 1;
  if (const auto category = only_category(rule.categories); category && !own_lane)
    own_lane = std::all_of(of.rules.begin(), of.rules.end(), [&](const Rule& other) {
      return only_category(other.categories) == category;
    });
  if (own_gateway && own_lane) return;
  errors_.add(lookup.where,
              "this lookup is refused: the row of '" + of.name +
                  "' is changed by events of another lane or gateway, and whether they come before "
                  "or after is not defined. Let both have one category (category = \"...\") or the "
                  "model one lane ([where] lanes), with $gateway in both keys, or write order = "
                  "\"arrival\" in the lookup to take what is there when the event comes");
}

void ModelParser::lint_filters() {
  const auto look = [&](const FilePlace& where, const std::vector<std::string>& types,
                        const std::vector<std::string>& categories) {
    for (const std::string& type : types)
      if (!model_->types_.empty() && !contains(model_->types_, type))
        warn(where, "no event of type " + type + " passes [where] types");
    for (const std::string& category : categories)
      if (!model_->categories_.empty() && !contains(model_->categories_, category))
        warn(where, "no event of category " + category + " passes [where] categories");
  };
  for (const Table& table : model_->tables_)
    for (const Rule& rule : table.rules) look(rule.where, rule.types, rule.categories);
  for (const SqlRule& rule : model_->sql_rules_) look(rule.text.where, rule.types, rule.categories);
}

}  // namespace sluice::projection
