// SPDX-License-Identifier: Apache-2.0
#include "projection/model/model.hpp"

#include <algorithm>

#include "core/ids.hpp"
#include "core/toml_depth.hpp"
#include "projection/model/definition_file.hpp"
#include "projection/model/parser.hpp"
#include "projection/model/words.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

bool listed(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool matches(const std::string& pattern, std::string_view gateway) {
  if (!pattern.ends_with('*')) return pattern == gateway;
  return gateway.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += " \"" + item + "\"";
  return out + "\n";
}

std::string describe(const Column& column) {
  std::string out = " " + std::string(type_word(column.type));
  if (column.type == Type::kList) {
    out += " " + std::to_string(column.limit) + " of";
    for (const ListItem& item : column.items)
      out += " " + item.name + ":" + std::string(type_word(item.type));
  } else if (column.fallback) {
    out += " default " + constant_text(*column.fallback);
  }
  return out;
}

std::string describe(const Table& table) {
  std::string out = "table " + table.name + (table.shared ? " shared\n" : "\n");
  if (table.window) out += "  " + window_text(table) + "\n";
  for (const Column& key : table.key)
    out += "  key " + key.name + " " + std::string(type_word(key.type)) + " = " +
           source_text(key.source) + "\n";
  for (const Column& column : table.columns)
    out += "  column " + column.name + describe(column) + "\n";
  for (const Rule& rule : table.rules) {
    out += "  on" + joined(rule.types);
    if (!rule.categories.empty()) out += "    category" + joined(rule.categories);
    if (rule.when) out += "    when " + condition_text(&table, *rule.when) + "\n";
    if (rule.remove) out += "    delete\n";
    if (!rule.create && !rule.remove) out += "    only rows that exist\n";
    for (const Operation& operation : rule.operations)
      out += "    " + std::string(operator_word(operation.op)) + " " +
             table.columns[operation.column].name + " = " + operand_text(operation) + "\n";
  }
  return out;
}

std::string describe(const SqlRule& rule, const std::vector<Table>& tables) {
  std::string out = "on" + joined(rule.types);
  if (!rule.categories.empty()) out += "  category" + joined(rule.categories);
  if (rule.when) out += "  when " + condition_text(nullptr, *rule.when) + "\n";
  for (const SqlRule::Argument& argument : rule.arguments)
    out += "  argument " + argument.name + " " + std::string(type_word(argument.type)) + " = " +
           source_text(argument.source) + "\n";
  for (const std::size_t table : rule.touches) out += "  touches " + tables[table].name + "\n";
  out += "  sqlite\n" + rule.text.sqlite + "\n  postgres\n" + rule.text.postgres + "\n";
  return out;
}

}  // namespace

Result<std::shared_ptr<const Model>> Model::load(const std::string& path) {
  const auto text = read_definition_file(path, "model file");
  if (!text) return text.error();
  return parse(*text, path);
}

Result<std::shared_ptr<const Model>> Model::parse(std::string_view toml, const std::string& file) {
  if (const auto line = core::too_deep_line(toml))
    return fail(Errc::kConfig,
                file + ":" + std::to_string(*line) + ":1: " + std::string(core::kTooDeepWords));
  const auto parsed = toml::parse(toml, file);
  if (!parsed) {
    TomlErrors errors(file);
    errors.add(parsed.error().source(), std::string(parsed.error().description()));
    return errors.all();
  }
  auto model = ModelParser(parsed.table(), file).run();
  if (!model) return model.error();
  (*model)->file_ = file;
  (*model)->text_ = toml;
  return std::shared_ptr<const Model>(std::move(*model));
}

std::string Model::database_name() const {
  return name_ + "-v" + std::to_string(version_) + ".db";
}

bool Model::wants(std::string_view gateway, core::Lane lane, std::string_view category,
                  std::string_view type) const {
  if (!lanes_.empty() && std::find(lanes_.begin(), lanes_.end(), lane) == lanes_.end())
    return false;
  if (categories_.empty() ? category == core::kReservedCategory : !listed(categories_, category))
    return false;
  if (!types_.empty() && !listed(types_, type)) return false;
  return gateways_.empty() ||
         std::any_of(gateways_.begin(), gateways_.end(),
                     [&](const std::string& pattern) { return matches(pattern, gateway); });
}

std::shared_ptr<const Model> Model::without_rules(std::string name) {
  auto model = std::make_shared<Model>();
  model->name_ = std::move(name);
  model->history_ = History::kAvailable;
  return model;
}

std::string Model::fingerprint() const {
  std::string out = "model " + name_ + " version " + std::to_string(version_) +
                    (history_ == History::kWhole ? " history whole\n" : " history available\n");
  if (!gateways_.empty()) out += "gateways" + joined(gateways_);
  if (!categories_.empty()) out += "categories" + joined(categories_);
  if (!types_.empty()) out += "types" + joined(types_);
  if (!lanes_.empty()) {
    out += "lanes";
    for (const core::Lane lane : lanes_) out += " " + std::string(core::lane_name(lane));
    out += "\n";
  }
  for (const Table& table : tables_) out += describe(table);
  for (const SqlRule& rule : sql_rules_) out += describe(rule, tables_);
  for (const View& view : views_) {
    out += "view " + view.name + "\n" + view.sql.sqlite + "\n";
    if (view.sql.postgres != view.sql.sqlite) out += "postgres\n" + view.sql.postgres + "\n";
  }
  return out;
}

}  // namespace sluice::projection
