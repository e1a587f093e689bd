// SPDX-License-Identifier: Apache-2.0
// The part of the model's parser that reads `when`.
#include <array>

#include "core/text.hpp"
#include "projection/model/extract.hpp"
#include "projection/model/parser.hpp"

namespace sluice::projection {
namespace {

using Kind = Condition::Kind;

constexpr std::array<std::pair<std::string_view, Condition::Compare>, 6> kWords = {
    {{"eq", Condition::Compare::kEq},
     {"ne", Condition::Compare::kNe},
     {"lt", Condition::Compare::kLt},
     {"le", Condition::Compare::kLe},
     {"gt", Condition::Compare::kGt},
     {"ge", Condition::Compare::kGe}}};

bool is_source_text(const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  return text && !text->empty() && (text->front() == '.' || text->front() == '$');
}

// What a constant is when nothing else says it.
std::optional<Type> natural_type(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::integer:
      return Type::kInt;
    case toml::node_type::floating_point:
      return Type::kReal;
    case toml::node_type::boolean:
      return Type::kBool;
    case toml::node_type::string:
      return Type::kText;
    default:
      return std::nullopt;
  }
}

bool has_order(Type type) {
  return type != Type::kBool && type != Type::kBytes && type != Type::kList;
}

bool is_equality(Condition::Compare compare) {
  return compare == Condition::Compare::kEq || compare == Condition::Compare::kNe;
}

}  // namespace

bool Condition::asks_row() const {
  if (column) return true;
  for (const Condition& part : parts)
    if (part.asks_row()) return true;
  return false;
}

std::optional<Condition> ModelParser::when(const Table* table, const toml::table& from) {
  const toml::table* given = table_at(from, "when", errors_);
  return given == nullptr ? std::nullopt : all_of(table, *given);
}

std::optional<Condition> ModelParser::all_of(const Table* table, const toml::table& from) {
  Condition out;
  out.kind = Kind::kAll;
  if (from.empty()) errors_.add(from, "a condition without a question");
  for (const TomlEntry& entry : entries_of(from)) condition_line(table, entry, out);
  return out;
}

void ModelParser::condition_line(const Table* table, const TomlEntry& entry, Condition& out) {
  if (entry.key == "all" || entry.key == "any") return condition_list(table, entry, out);
  if (entry.key == "not") {
    const toml::table* inner = entry.node->as_table();
    if (inner == nullptr) return errors_.add(*entry.node, "'not' takes { ... }");
    Condition negated;
    negated.kind = Kind::kNot;
    if (auto part = all_of(table, *inner)) negated.parts.push_back(std::move(*part));
    out.parts.push_back(std::move(negated));
    return;
  }
  if (entry.key == "row") {
    const toml::table* columns = entry.node->as_table();
    if (table == nullptr || columns == nullptr)
      return errors_.add(entry.where, "'row' asks a table's own row: row = { column = ... }");
    for (const TomlEntry& item : entries_of(*columns)) {
      Condition about;
      about.column = column_named(*table, item);
      if (!about.column) continue;
      about.type = table->columns[*about.column].type;
      questions(table, about, *item.node, out);
    }
    return;
  }
  if (entry.key.empty() || (entry.key.front() != '.' && entry.key.front() != '$'))
    return errors_.add(entry.where,
                       "a condition asks a source in quotes (\".field\", \"$lane\"), or "
                       "is all, any, not or row");
  Condition about;
  auto of = source(table, entry.key, *entry.node);
  if (!of) return;
  about.source = std::move(*of);
  about.type = source_type(about.source.kind);
  questions(table, about, *entry.node, out);
}

void ModelParser::condition_list(const Table* table, const TomlEntry& entry, Condition& out) {
  Condition made;
  made.kind = entry.key == "all" ? Kind::kAll : Kind::kAny;
  const toml::array* list = entry.node->as_array();
  if (list == nullptr || list->empty())
    return errors_.add(*entry.node, "'" + entry.key + "' takes a list: [{ ... }, { ... }]");
  for (const toml::node& item : *list) {
    const toml::table* inner = item.as_table();
    if (inner == nullptr) {
      errors_.add(item, "'" + entry.key + "' takes a list of { ... }");
    } else if (auto part = all_of(table, *inner)) {
      made.parts.push_back(std::move(*part));
    }
  }
  out.parts.push_back(std::move(made));
}

// ".unit" = "C", or ".value" = { gt = 90, lt = 120 }.
void ModelParser::questions(const Table* table, const Condition& about, const toml::node& node,
                            Condition& out) {
  const toml::table* words = node.as_table();
  if (words == nullptr) {
    Condition one = about;
    one.kind = Kind::kCompare;
    if (compared(table, one, node)) out.parts.push_back(std::move(one));
    return;
  }
  Condition typed = about;
  if (const auto word = text_at(*words, "type", errors_)) {
    const auto type = parse_type(*word);
    if (!type)
      errors_.add(*words->get("type"), "'type' " + type.error().message);
    else if (about.type && *about.type != *type)
      errors_.add(*words->get("type"), "it is of type " + std::string(type_word(*about.type)));
    else
      typed.type = *type;
  }
  bool asked = false;
  for (const TomlEntry& entry : entries_of(*words))
    if (entry.key != "type") asked = question(table, typed, entry, out) || asked;
  if (!asked)
    errors_.add(node, "a condition without a question: eq, ne, lt, le, gt, ge, in, exists");
}

bool ModelParser::question(const Table* table, const Condition& about, const TomlEntry& entry,
                           Condition& out) {
  Condition one = about;
  if (entry.key == "exists") {
    const auto wanted = entry.node->value_exact<bool>();
    if (!wanted) errors_.add(*entry.node, "'exists' is true or false");
    one.kind = Kind::kExists;
    if (wanted && !*wanted) {
      Condition negated;
      negated.kind = Kind::kNot;
      negated.parts.push_back(std::move(one));
      one = std::move(negated);
    }
    out.parts.push_back(std::move(one));
    return true;
  }
  if (entry.key == "in") {
    one.kind = Kind::kIn;
    const toml::array* list = entry.node->as_array();
    if (list == nullptr || list->empty()) {
      errors_.add(*entry.node, "'in' takes a list of constants");
      return true;
    }
    for (const toml::node& item : *list)
      if (is_source_text(item))
        errors_.add(item, "'in' takes constants");
      else
        compared(table, one, item);
    out.parts.push_back(std::move(one));
    return true;
  }
  for (const auto& [word, compare] : kWords)
    if (word == entry.key) {
      one.kind = Kind::kCompare;
      one.compare = compare;
      if (compared(table, one, *entry.node)) out.parts.push_back(std::move(one));
      return true;
    }
  errors_.add(entry.where, "'" + core::printable(entry.key) +
                               "' is no question: eq, ne, lt, le, gt, ge, in, exists");
  return true;
}

// The other side of a comparison; false after an error.
bool ModelParser::compared(const Table* table, Condition& one, const toml::node& node) {
  std::optional<Type> type = one.type;
  if (is_source_text(node)) {
    auto other = source(table, *node.value_exact<std::string>(), node);
    if (!other) return false;
    const auto known = source_type(other->kind);
    if (type && known && *type != *known) {
      errors_.add(node, other->text + " is of type " + std::string(type_word(*known)) + ", not " +
                            std::string(type_word(*type)));
      return false;
    }
    if (!type) one.type = type = known;
    one.values.push_back(std::move(*other));
    one.types.push_back(type.value_or(Type::kText));
  } else {
    if (!type) type = natural_type(node);
    if (!type) {
      errors_.add(node, "a comparison takes a number, a text, true, false or a source");
      return false;
    }
    auto cell = constant(*type, node);
    if (!cell) return false;
    Source fixed;
    fixed.constant = std::move(*cell);
    one.values.push_back(std::move(fixed));
    one.types.push_back(*type);
  }
  if (one.kind == Kind::kCompare && type && !is_equality(one.compare) && !has_order(*type)) {
    errors_.add(node, std::string(type_word(*type)) + " has no order: eq, ne, in, exists");
    return false;
  }
  return true;
}

}  // namespace sluice::projection
