// SPDX-License-Identifier: Apache-2.0
// What `sluice model explain` prints.
#include "projection/database/sql_rows.hpp"
#include "projection/model/layout.hpp"
#include "projection/model/model.hpp"
#include "projection/model/sql.hpp"
#include "projection/model/words.hpp"

namespace sluice::projection {
namespace {

std::string listed(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::string words(const Table& table, const Rule& rule) {
  std::string out = "  on " + listed(rule.types);
  if (!rule.categories.empty()) out += " of category " + listed(rule.categories);
  if (rule.when) out += " when " + condition_text(&table, *rule.when);
  if (rule.remove) return out + ": the row goes\n";
  out += rule.create ? ": the row, made if there is none\n" : ": the row, if there is one\n";
  for (const Operation& operation : rule.operations)
    out += "    " + operation_words(table.columns[operation.column], operation) + "\n";
  return out;
}

std::string words(const Table& table) {
  std::string out = "table " + table.name + ", a row per ";
  for (std::size_t i = 0; i < table.key.size(); ++i)
    out += (i == 0 ? "" : ", ") + table.key[i].name + " (" + source_text(table.key[i].source) + ")";
  out += table.shared ? ", fed by several gateways\n" : "\n";
  if (table.window) out += "  " + window_text(table) + "\n";
  for (const Rule& rule : table.rules) out += words(table, rule);
  return out;
}

std::string words(const SqlRule& rule) {
  std::string out = "on " + listed(rule.types);
  if (!rule.categories.empty()) out += " of category " + listed(rule.categories);
  if (rule.when) out += " when " + condition_text(nullptr, *rule.when);
  out += ": SQL of your own\n";
  for (const SqlRule::Argument& argument : rule.arguments)
    out += "    :" + argument.name + " = " + source_text(argument.source) + "\n";
  return out;
}

}  // namespace

std::string Model::explain() const {
  std::string out = "model " + name_ + " version " + std::to_string(version_) + "\n";
  if (!gateways_.empty()) out += "only gateways " + listed(gateways_) + "\n";
  if (!categories_.empty()) out += "only categories " + listed(categories_) + "\n";
  if (!types_.empty()) out += "only types " + listed(types_) + "\n";
  if (!lanes_.empty()) {
    out += "only lanes";
    for (const core::Lane lane : lanes_) out += " " + std::string(core::lane_name(lane));
    out += "\n";
  }
  for (const Table& table : tables_) out += "\n" + words(table);
  for (const SqlRule& rule : sql_rules_) out += "\n" + words(rule);
  return out;
}

std::string Model::explain(Dialect dialect) const {
  std::string out = dialect == Dialect::kSqlite ? "-- SQLite\n" : "-- PostgreSQL\n";
  for (const Table& table : tables_) {
    const TableShape shape = Layout(table).shape;
    out += "\n" + sql::create_table(*this, table, dialect) + ";\n";
    // The operations themselves are run upon rows in memory.
    out += dialect == Dialect::kSqlite ? "-- a batch reads, writes and removes its rows\n"
                                       : "-- a batch does this for all its rows, as arrays\n";
    out += sql::load(shape) + ";\n" + sql::store(shape) + ";\n" + sql::erase(shape) + ";\n";
  }
  if (needs_watermarks(*this)) out += "\n" + sql::create_watermarks(dialect) + ";\n";
  for (const SqlRule& rule : sql_rules_) {
    out += "\n-- on " + listed(rule.types) + "\n";
    for (std::size_t i = 0; i < rule.arguments.size(); ++i)
      out +=
          "--   ?" + std::to_string(i + 1) + " = " + source_text(rule.arguments[i].source) + "\n";
    out += rule.numbered.of(dialect) + ";\n";
  }
  for (const View& view : views_) out += "\n" + sql::create_view(view, dialect) + ";\n";
  return out;
}

}  // namespace sluice::projection
