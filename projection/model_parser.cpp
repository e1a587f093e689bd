// SPDX-License-Identifier: Apache-2.0
#include "projection/model_parser.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "projection/extract.hpp"

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
  auto model = std::make_shared<Model>();
  refuse_unknown(root_, {"model", "version", "history", "description", "where", "table", "view"},
                 errors_);
  head(*model);
  where(*model);
  const toml::table* tables = table_at(root_, "table", errors_);
  if (tables == nullptr || tables->empty())
    errors_.add(root_, "a model needs at least one [table.<name>]");
  else
    for (const TomlEntry& entry : entries_of(*tables)) table(*model, entry);
  if (const toml::table* from = table_at(root_, "view", errors_)) views(*model, *from);
  // A view is checked against the tables: only when these are right.
  if (errors_.empty()) check_views(*model);
  if (!errors_.empty()) return errors_.all();
  return model;
}

void ModelParser::head(Model& model) {
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
  text_at(root_, "description", errors_);
}

void ModelParser::where(Model& model) {
  const toml::table* from = table_at(root_, "where", errors_);
  if (from == nullptr) return;
  refuse_unknown(*from, {"gateways", "categories", "types"}, errors_);
  model.gateways_ = texts_at(*from, "gateways", errors_);
  model.categories_ = texts_at(*from, "categories", errors_);
  model.types_ = texts_at(*from, "types", errors_);
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

void ModelParser::table(Model& model, const TomlEntry& entry) {
  const toml::table* from = entry.node->as_table();
  if (from == nullptr) return errors_.add(entry.where, "must be a section [table.<name>]");
  name_is_free(entry, names_);
  refuse_unknown(*from, {"shared", "key", "columns", "on"}, errors_);
  Table table;
  table.name = entry.key;
  broken_.clear();
  table.shared = flag_at(*from, "shared", errors_).value_or(false);
  key(table, *from, entry.where);
  if (const toml::table* columns = table_at(*from, "columns", errors_))
    for (const TomlEntry& item : entries_of(*columns)) column(table, item);
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
  model.tables_.push_back(std::move(table));
}

void ModelParser::key(Table& table, const toml::table& from, const toml::source_region& where) {
  const toml::table* columns = table_at(from, "key", errors_);
  if (columns == nullptr || columns->empty())
    return errors_.add(where, "table '" + table.name +
                                  "' needs a key, such as key = { stream = "
                                  "\"$stream\" }");
  for (const TomlEntry& item : entries_of(*columns)) key_column(table, item);
  const bool has_gateway =
      std::any_of(table.key.begin(), table.key.end(),
                  [](const Column& column) { return names_gateway(column.source.kind); });
  const bool readable = table.key.size() == columns->size();
  if (readable && !has_gateway && !table.shared)
    errors_.add(*columns,
                "the key has neither $gateway nor $stream, so events of several gateways "
                "meet in one row: write shared = true if that is meant");
}

void ModelParser::key_column(Table& table, const TomlEntry& entry) {
  std::set<std::string> taken;
  for (const Column& column : table.key) taken.insert(column.name);
  name_is_free(entry, taken);
  std::optional<std::string> from;
  std::optional<std::string> type;
  if (const toml::table* parts = entry.node->as_table()) {
    refuse_unknown(*parts, {"type", "from"}, errors_);
    type = text_at(*parts, "type", errors_);
    from = text_at(*parts, "from", errors_);
  } else {
    from = entry.node->value_exact<std::string>();
  }
  if (!from)
    return errors_.add(entry.where,
                       "a key column is \"$source\" or { type = \"...\", from = "
                       "\".field\" }");
  auto source = parse_source(*from);
  if (!source) return errors_.add(*entry.node, source.error().message);
  Column column;
  column.name = entry.key;
  column.source = std::move(*source);
  const auto known = source_type(column.source.kind);
  if (type) {
    const auto parsed = parse_type(*type);
    if (!parsed) return errors_.add(*entry.node, "'type' " + parsed.error().message);
    column.type = *parsed;
    if (known && *known != *parsed)
      errors_.add(*entry.node, *from + " is of type " + std::string(type_word(*known)));
  } else if (known) {
    column.type = *known;
  } else {
    errors_.add(*entry.node,
                "a key column from a data field needs its type: { type = \"text\", "
                "from = \"" +
                    *from + "\" }");
  }
  table.key.push_back(std::move(column));
}

void ModelParser::column(Table& table, const TomlEntry& entry) {
  std::set<std::string> taken;
  for (const Column& known : table.key) taken.insert(known.name);
  name_is_free(entry, taken);
  Column column;
  column.name = entry.key;
  broken_.insert(entry.key);  // until it is known to be right: its uses are not errors too
  std::optional<std::string> type;
  const toml::table* parts = entry.node->as_table();
  if (parts != nullptr) {
    refuse_unknown(*parts, {"type", "default"}, errors_);
    type = text_at(*parts, "type", errors_);
  } else {
    type = entry.node->value_exact<std::string>();
  }
  if (!type)
    return errors_.add(entry.where, "a column is \"<type>\" or { type = \"...\", default = ... }");
  const auto parsed = parse_type(*type);
  if (!parsed)
    return errors_.add(*entry.node,
                       "the type '" + core::printable(*type) + "' " + parsed.error().message);
  column.type = *parsed;
  if (parts != nullptr)
    if (const toml::node* node = parts->get("default"))
      column.fallback = constant(column.type, *node);
  broken_.erase(entry.key);
  table.columns.push_back(std::move(column));
}

std::optional<Cell> ModelParser::constant(Type type, const toml::node& node) {
  switch (type) {
    case Type::kInt:
      if (const auto v = node.value_exact<std::int64_t>()) return Cell(*v);
      break;
    case Type::kReal:
      if (const auto v = node.value_exact<double>(); v && *v - *v == 0) return Cell(*v);
      if (const auto v = node.value_exact<std::int64_t>()) return Cell(static_cast<double>(*v));
      break;
    case Type::kBool:
      if (const auto v = node.value_exact<bool>()) return Cell(std::int64_t{*v ? 1 : 0});
      break;
    default:
      if (const auto v = node.value_exact<std::string>()) {
        auto cell = parse_cell(type, *v);
        if (cell) return std::move(*cell);
        errors_.add(node, cell.error().message);
        return std::nullopt;
      }
  }
  errors_.add(node, "must be a constant of type " + std::string(type_word(type)));
  return std::nullopt;
}

void ModelParser::views(Model& model, const toml::table& from) {
  for (const TomlEntry& entry : entries_of(from)) {
    const toml::table* parts = entry.node->as_table();
    if (parts == nullptr) {
      errors_.add(entry.where, "must be a section [view.<name>]");
      continue;
    }
    name_is_free(entry, names_);
    refuse_unknown(*parts, {"sql", "types"}, errors_);
    View view;
    view.name = entry.key;
    view.where = {entry.where.begin.line, entry.where.begin.column};
    if (auto sql = text_at(*parts, "sql", errors_))
      view.sql = std::move(*sql);
    else if (parts->get("sql") == nullptr)
      errors_.add(entry.where, "view '" + entry.key + "' needs sql = \"SELECT ...\"");
    if (const toml::node* node = parts->get("sql"))
      view.where = {node->source().begin.line, node->source().begin.column};
    if (const toml::table* types = table_at(*parts, "types", errors_))
      for (const TomlEntry& item : entries_of(*types)) {
        const auto word = item.node->value_exact<std::string>();
        const auto type = word ? parse_type(*word) : parse_type("");
        if (type)
          view.types.emplace_back(item.key, *type);
        else
          errors_.add(*item.node, "the type of a view's column " + type.error().message);
      }
    model.views_.push_back(std::move(view));
  }
}

}  // namespace sluice::projection
