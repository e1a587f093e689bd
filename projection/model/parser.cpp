// SPDX-License-Identifier: Apache-2.0
#include "projection/model/parser.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "projection/model/extract.hpp"

namespace sluice::projection {
namespace {

constexpr std::size_t kNameBytes = 48;

bool is_model_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytes && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool is_sql_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytes && name[0] >= 'a' && name[0] <= 'z' &&
         !name.starts_with("sqlite_") && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

bool is_gateway_pattern(std::string_view text) {
  if (text.ends_with('*')) text.remove_suffix(1);
  return text.empty() || core::GatewayId::parse(text);
}

}  // namespace

core::Result<std::shared_ptr<Model>> ModelParser::run() {
  model_ = std::make_shared<Model>();
  refuse_unknown(
      root_,
      {"model", "version", "history", "target", "description", "where", "table", "on", "view"},
      errors_);
  head();
  where();
  const toml::table* tables = table_at(root_, "table", errors_);
  if (tables == nullptr || tables->empty())
    errors_.add(root_, "a model needs at least one [table.<name>]");
  else
    for (const TomlEntry& entry : entries_of(*tables)) table(entry);
  if (const toml::node* on = root_.get("on")) sql_rules(*on);
  if (const toml::table* from = table_at(root_, "view", errors_)) views(*from);
  // What is built upon the tables is checked only when these are right.
  if (errors_.empty()) lint();
  if (errors_.empty()) check_sql();
  if (!errors_.empty()) return errors_.all();
  return model_;
}

void ModelParser::head() {
  Model& model = *model_;
  if (const auto name = text_at(root_, "model", errors_)) {
    if (is_model_name(*name))
      model.name_ = *name;
    else
      errors_.add(*root_.get("model"), "'model' must be [a-z][a-z0-9-]*, at most 48 bytes");
  } else if (root_.get("model") == nullptr) {
    errors_.add(root_, "'model', the model's name, is missing");
  }
  if (const toml::node* node = root_.get("version")) {
    const auto version = node->value_exact<std::int64_t>();
    if (version && *version >= 1 && *version <= 1'000'000)
      model.version_ = *version;
    else
      errors_.add(*node, "'version' must be a whole number from 1 to 1000000");
  } else {
    errors_.add(root_, "'version' is missing");
  }
  if (const auto history = text_at(root_, "history", errors_)) {
    if (*history == "available")
      model.history_ = History::kAvailable;
    else if (*history != "whole")
      errors_.add(*root_.get("history"), "'history' must be \"whole\" or \"available\"");
  }
  if (const auto target = text_at(root_, "target", errors_)) {
    if (*target == dialect_word(Dialect::kPostgres))
      model.target_ = Dialect::kPostgres;
    else if (*target != dialect_word(Dialect::kSqlite))
      errors_.add(*root_.get("target"), "'target' must be \"sqlite\" or \"postgres\"");
  }
  text_at(root_, "description", errors_);
}

void ModelParser::where() {
  Model& model = *model_;
  const toml::table* from = table_at(root_, "where", errors_);
  if (from == nullptr) return;
  refuse_unknown(*from, {"gateways", "categories", "types", "lanes"}, errors_);
  model.gateways_ = texts_at(*from, "gateways", errors_);
  model.categories_ = texts_at(*from, "categories", errors_);
  model.types_ = texts_at(*from, "types", errors_);
  for (const std::string& name : texts_at(*from, "lanes", errors_)) {
    if (const auto lane = core::parse_lane(name))
      model.lanes_.push_back(*lane);
    else
      errors_.add(*from->get("lanes"), "'" + core::printable(name) +
                                           "' is no lane: alarm, system, "
                                           "telemetry or bulk");
  }
  for (const std::string& gateway : model.gateways_)
    if (!is_gateway_pattern(gateway))
      errors_.add(*from->get("gateways"),
                  "'" + core::printable(gateway) + "' is no gateway id; '*' may only end it");
}

bool ModelParser::name_is_free(const TomlEntry& entry, std::set<std::string>& taken) {
  if (!is_sql_name(entry.key))
    errors_.add(entry.where, "the name '" + core::printable(entry.key) +
                                 "' must be [a-z][a-z0-9_]*, at most 48 bytes, not sqlite_*");
  else if (!taken.insert(entry.key).second)
    errors_.add(entry.where, "the name '" + entry.key + "' is taken");
  else
    return true;
  return false;
}

void ModelParser::table(const TomlEntry& entry) {
  const toml::table* from = entry.node->as_table();
  if (from == nullptr) return errors_.add(entry.where, "must be a section [table.<name>]");
  name_is_free(entry, names_);
  refuse_unknown(*from, {"shared", "order", "key", "columns", "window", "on"}, errors_);
  Table table;
  table.name = entry.key;
  table.where = place_of(entry.where);
  broken_.clear();
  table.shared = flag_at(*from, "shared", errors_).value_or(false);
  if (const auto order = text_at(*from, "order", errors_)) {
    table.any_order = *order == "arrival";
    if (!table.any_order) errors_.add(*from->get("order"), "'order' can only be \"arrival\"");
  }
  const toml::table* given = table_at(*from, "window", errors_);
  std::shared_ptr<Window> made;
  if (given != nullptr) table.window = made = window(*given);
  key(table, *from, entry.where);
  if (const toml::table* columns = table_at(*from, "columns", errors_))
    for (const TomlEntry& item : entries_of(*columns)) column(table, item);
  if (made) window_column(table, *made, *given);
  const toml::node* on = from->get("on");
  const toml::array* rules = on == nullptr ? nullptr : on->as_array();
  if (rules == nullptr || rules->empty()) {
    errors_.add(entry.where,
                "table '" + entry.key + "' needs at least one [[table." + entry.key + ".on]]");
  } else {
    for (const toml::node& item : *rules) {
      if (const toml::table* one = item.as_table())
        rule(table, *one);
      else
        errors_.add(item, "must be a section [[table." + entry.key + ".on]]");
    }
  }
  latest_groups(table);
  model_->tables_.push_back(std::move(table));
}

}  // namespace sluice::projection
