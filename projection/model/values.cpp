// SPDX-License-Identifier: Apache-2.0
// The part of the model's parser that reads where a value comes from.
#include <algorithm>

#include "core/text.hpp"
#include "projection/model/extract.hpp"
#include "projection/model/parser.hpp"
#include "projection/model/words.hpp"

namespace sluice::projection {

std::optional<Source> ModelParser::source(const Table* table, const std::string& text,
                                          const toml::node& node) {
  if (text == "$window") {
    if (table != nullptr && table->window) {
      Source window;
      window.kind = Source::Kind::kWindow;
      window.text = text;
      window.window = table->window;
      return window;
    }
    errors_.add(node, "$window needs window = { of = \"$time\", size = \"1h\" } in its table");
    return std::nullopt;
  }
  auto source = parse_source(text);
  if (source) return std::move(*source);
  errors_.add(node, source.error().message);
  return std::nullopt;
}

std::optional<Source> ModelParser::value(const Table* table, Type type, const toml::node& node) {
  if (const toml::table* parts = node.as_table()) {
    auto found = lookup(table, *parts);
    if (!found) return std::nullopt;
    const Column& of = looked_up(*found->lookup);
    if (of.type != type) {
      errors_.add(node, "column '" + of.name + "' is of type " + std::string(type_word(of.type)));
      return std::nullopt;
    }
    return found;
  }
  const auto text = node.value_exact<std::string>();
  if (text && !text->empty() && (text->front() == '.' || text->front() == '$')) {
    auto found = source(table, *text, node);
    const auto known = found ? source_type(found->kind) : std::nullopt;
    if (known && *known != type) {
      errors_.add(node, found->text + " is of type " + std::string(type_word(*known)) + ", not " +
                            std::string(type_word(type)));
      return std::nullopt;
    }
    return found;
  }
  auto cell = constant(type, node);
  if (!cell) return std::nullopt;
  Source out;
  out.constant = std::move(*cell);
  return out;
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

const Column& ModelParser::looked_up(const Lookup& lookup) const {
  const Table& table = model_->tables_[lookup.table];
  return lookup.in_key ? table.key[lookup.column] : table.columns[lookup.column];
}

// { lookup = "machine.site", key = { gateway = "$gateway", ... }, missing = "skip" }
std::optional<Source> ModelParser::lookup(const Table* table, const toml::table& from) {
  refuse_unknown(from, {"lookup", "key", "missing", "order"}, errors_);
  const auto name = text_at(from, "lookup", errors_);
  if (!name) {
    if (!from.contains("lookup"))
      errors_.add(from, "must be a source, a constant or { lookup = \"table.column\", ... }");
    return std::nullopt;
  }
  const std::size_t dot = name->find('.');
  const std::string of = name->substr(0, dot);
  const std::string column = dot == std::string::npos ? "" : name->substr(dot + 1);
  const auto& tables = model_->tables_;
  const auto at =
      std::find_if(tables.begin(), tables.end(), [&](const Table& one) { return one.name == of; });
  auto lookup = std::make_shared<Lookup>();
  lookup->where = place_of(from.source());
  const auto is_it = [&](const Column& one) { return one.name == column; };
  if (at == tables.end()) {
    errors_.add(*from.get("lookup"),
                "'" + core::printable(of) + "' is no table that stands above this one in the file");
    return std::nullopt;
  }
  lookup->table = static_cast<std::size_t>(at - tables.begin());
  auto in = std::find_if(at->columns.begin(), at->columns.end(), is_it);
  lookup->in_key = in == at->columns.end();
  if (lookup->in_key) in = std::find_if(at->key.begin(), at->key.end(), is_it);
  if (in == (lookup->in_key ? at->key.end() : at->columns.end())) {
    errors_.add(*from.get("lookup"),
                "table '" + of + "' has no column '" + core::printable(column) + "'");
    return std::nullopt;
  }
  lookup->column =
      static_cast<std::size_t>(in - (lookup->in_key ? at->key.begin() : at->columns.begin()));
  if (const auto order = text_at(from, "order", errors_)) {
    lookup->any_order = *order == "arrival";
    if (!lookup->any_order) errors_.add(*from.get("order"), "'order' can only be \"arrival\"");
  }
  lookup_key(table, *lookup, from);
  lookup_missing(*lookup, from);
  if (lookup->key.size() != at->key.size()) return std::nullopt;  // said already
  Source out;
  out.kind = Source::Kind::kLookup;
  out.lookup = lookup;
  out.text = lookup_text(*at, *lookup);
  return out;
}

void ModelParser::lookup_key(const Table* table, Lookup& lookup, const toml::table& from) {
  const Table& of = model_->tables_[lookup.table];
  const toml::table* given = table_at(from, "key", errors_);
  if (given != nullptr)
    for (const TomlEntry& entry : entries_of(*given))
      if (std::none_of(of.key.begin(), of.key.end(),
                       [&](const Column& key) { return key.name == entry.key; }))
        errors_.add(entry.where, "table '" + of.name + "' has no key column '" + entry.key + "'");
  for (const Column& key : of.key) {
    const toml::node* node = given == nullptr ? nullptr : given->get(key.name);
    if (given == nullptr) {
      lookup.key.push_back(key.source);  // as that table's own events give it
    } else if (node == nullptr) {
      errors_.add(*given,
                  "the key column '" + key.name + "' of table '" + of.name + "' is missing here");
    } else if (node->is_table()) {
      errors_.add(*node, "the key of a lookup is of sources and constants");
    } else if (auto source = value(table, key.type, *node)) {
      lookup.key.push_back(std::move(*source));
    }
  }
  for (const Source& source : lookup.key)
    if (source.kind == Source::Kind::kLookup || source.kind == Source::Kind::kWindow)
      return errors_.add(from,
                         "the key of a lookup is of sources and constants: write key = {...}");
}

void ModelParser::lookup_missing(Lookup& lookup, const toml::table& from) {
  const toml::node* node = from.get("missing");
  const auto word = node == nullptr ? std::nullopt : node->value_exact<std::string>();
  if (word == "skip") {
    lookup.missing = Lookup::Missing::kSkip;
  } else if (word == "park") {
    lookup.missing = Lookup::Missing::kPark;
  } else if (word == "null") {
    lookup.missing = Lookup::Missing::kNull;
  } else if (const toml::table* parts = node == nullptr ? nullptr : node->as_table();
             parts != nullptr && parts->size() == 1 && parts->contains("value")) {
    lookup.missing = Lookup::Missing::kValue;
    if (auto cell = constant(looked_up(lookup).type, *parts->get("value")))
      lookup.value = std::move(*cell);
  } else {
    errors_.add(
        node == nullptr ? static_cast<const toml::node&>(from) : *node,
        "a lookup says what is done when there is no such row: missing = \"skip\" (the rule "
        "takes no part), \"park\" (the event), \"null\" or { value = ... }");
  }
}

}  // namespace sluice::projection
