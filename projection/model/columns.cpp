// SPDX-License-Identifier: Apache-2.0
// The part of the model's parser that reads a table's key and columns.
#include <algorithm>
#include <array>

#include "core/text.hpp"
#include "projection/model/extract.hpp"
#include "projection/model/parser.hpp"

namespace sluice::projection {
namespace {

// Columns that each table of PostgreSQL has; no other may be named so.
constexpr std::array<std::string_view, 6> kSystemColumns = {"cmax", "cmin",     "ctid",
                                                            "xmax", "tableoid", "xmin"};

bool is_system_column(std::string_view name, Dialect target) {
  return target == Dialect::kPostgres &&
         std::find(kSystemColumns.begin(), kSystemColumns.end(), name) != kSystemColumns.end();
}

constexpr const char* kSystemColumnWords =
    "PostgreSQL has a column of its own of this name in each table";

constexpr std::int64_t kListMax = 1000;

}  // namespace

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
  if (is_system_column(entry.key, model_->target())) errors_.add(entry.where, kSystemColumnWords);
  std::optional<std::string> from;
  std::optional<std::string> type;
  if (const toml::table* parts = entry.node->as_table()) {
    if (parts->contains("lookup")) {
      auto found = lookup(&table, *parts);
      if (!found) return;
      if (found->lookup->missing == Lookup::Missing::kNull)
        errors_.add(*parts, "a key is never NULL: missing = \"skip\", \"park\" or { value = ... }");
      const Column& of = looked_up(*found->lookup);
      Column key{entry.key, of.type, {}, std::move(*found), {}, 0};
      table.key.push_back(std::move(key));
      return;
    }
    refuse_unknown(*parts, {"type", "from"}, errors_);
    type = text_at(*parts, "type", errors_);
    from = text_at(*parts, "from", errors_);
  } else {
    from = entry.node->value_exact<std::string>();
  }
  if (!from)
    return errors_.add(entry.where,
                       "a key column is \"$source\", { type = \"...\", from = "
                       "\".field\" } or { lookup = \"table.column\", ... }");
  auto of = source(&table, *from, *entry.node);
  if (!of) return;
  Column column;
  column.name = entry.key;
  column.source = std::move(*of);
  const auto known = source_type(column.source.kind);
  if (type) {
    const auto parsed = parse_type(*type);
    if (!parsed) return errors_.add(*entry.node, "'type' " + parsed.error().message);
    column.type = *parsed;
    if (column.type == Type::kList) errors_.add(*entry.node, "a list cannot be a key");
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
  if (is_system_column(entry.key, model_->target())) errors_.add(entry.where, kSystemColumnWords);
  Column column;
  column.name = entry.key;
  broken_.insert(entry.key);  // until it is known to be right: its uses are not errors too
  std::optional<std::string> type;
  const toml::table* parts = entry.node->as_table();
  if (parts != nullptr) {
    refuse_unknown(*parts, {"type", "default", "of", "limit"}, errors_);
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
  if (column.type == Type::kList) {
    list_column(column, parts, entry);
  } else if (parts != nullptr && (parts->contains("of") || parts->contains("limit"))) {
    errors_.add(*entry.node, "'of' and 'limit' are for a column of type list");
  }
  if (parts != nullptr && column.type != Type::kList)
    if (const toml::node* node = parts->get("default"))
      column.fallback = constant(column.type, *node);
  broken_.erase(entry.key);
  table.columns.push_back(std::move(column));
}

// { type = "list", of = "real", limit = 20 }, or of = { at = "time", value = "real" }.
void ModelParser::list_column(Column& column, const toml::table* parts, const TomlEntry& entry) {
  const auto item = [&](const std::string& name, const toml::node& node) {
    const auto word = node.value_exact<std::string>();
    const auto type = parse_type(word ? *word : "");
    if (!type || *type == Type::kList || *type == Type::kBytes)
      return errors_.add(node, "a list is of text, int, real, bool or time");
    column.items.push_back({name, *type});
  };
  const toml::node* of = parts == nullptr ? nullptr : parts->get("of");
  const toml::node* limit = parts == nullptr ? nullptr : parts->get("limit");
  const auto count = limit == nullptr ? std::nullopt : limit->value_exact<std::int64_t>();
  if (of == nullptr || !count || *count < 1 || *count > kListMax)
    return errors_.add(entry.where,
                       "a list is { type = \"list\", of = \"real\", limit = 20 }, limit "
                       "from 1 to " +
                           std::to_string(kListMax));
  column.limit = static_cast<std::size_t>(*count);
  if (const toml::table* fields = of->as_table())
    for (const TomlEntry& field : entries_of(*fields)) item(field.key, *field.node);
  else
    item("", *of);
  if (parts->contains("default")) errors_.add(*parts->get("default"), "a list begins empty");
  column.fallback = Cell(std::string("[]"));
}

}  // namespace sluice::projection
