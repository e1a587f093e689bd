// SPDX-License-Identifier: Apache-2.0
// The part of the model's parser that reads SQL of the user's own: views, and [[on]], statements
// for single events. Both are tried upon empty tables in SQLite.
#include <algorithm>

#include "core/text.hpp"
#include "projection/model/extract.hpp"
#include "projection/model/parser.hpp"
#include "projection/model/pg_lint.hpp"
#include "projection/model/sql.hpp"
#include "projection/model/sql_params.hpp"
#include "sqlite/guard.hpp"

namespace sluice::projection {
namespace {

constexpr std::size_t kArgumentsMax = 60;

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

// sql = "...", or { any = "...", postgres = "..." } and the like.
std::optional<SqlText> ModelParser::sql_text(const toml::table& from) {
  const toml::node* node = from.get("sql");
  if (node == nullptr) return std::nullopt;
  SqlText out;
  out.where = place_of(node->source());
  if (const toml::table* parts = node->as_table()) {
    refuse_unknown(*parts, {"any", "sqlite", "postgres"}, errors_);
    const auto any = text_at(*parts, "any", errors_);
    const auto sqlite = text_at(*parts, "sqlite", errors_);
    const auto postgres = text_at(*parts, "postgres", errors_);
    if (!any && (!sqlite || !postgres))
      errors_.add(*node, "each kind of database needs its text: any, or sqlite and postgres");
    out.sqlite = sqlite ? *sqlite : any.value_or("");
    out.postgres = postgres ? *postgres : any.value_or("");
    if (const toml::node* text = sqlite ? parts->get("sqlite") : parts->get("any"))
      out.where = place_of(text->source());
    return out;
  }
  const auto text = node->value_exact<std::string>();
  if (!text)
    errors_.add(*node, "'sql' must be text, or { any = ..., sqlite = ..., postgres = ... }");
  out.sqlite = out.postgres = text.value_or("");
  return out;
}

void ModelParser::views(const toml::table& from) {
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
    if (auto sql = sql_text(*parts))
      view.sql = std::move(*sql);
    else
      errors_.add(entry.where, "view '" + entry.key + "' needs sql = \"SELECT ...\"");
    if (const toml::table* types = table_at(*parts, "types", errors_))
      for (const TomlEntry& item : entries_of(*types)) {
        const auto word = item.node->value_exact<std::string>();
        const auto type = word ? parse_type(*word) : parse_type("");
        if (type && *type != Type::kList)
          view.types.emplace_back(item.key, *type);
        else
          errors_.add(*item.node,
                      "the type of a view's column must be text, int, real, bool, time or bytes");
      }
    model_->views_.push_back(std::move(view));
  }
}

void ModelParser::sql_rules(const toml::node& node) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return errors_.add(node, "must be sections [[on]]");
  for (const toml::node& item : *list) {
    if (const toml::table* one = item.as_table())
      sql_rule(*one);
    else
      errors_.add(item, "must be a section [[on]]");
  }
}

void ModelParser::sql_rule(const toml::table& from) {
  refuse_unknown(from, {"type", "category", "when", "sql", "args", "touches"}, errors_);
  SqlRule rule;
  about(from, rule.types, rule.categories);
  rule.when = when(nullptr, from);
  auto text = sql_text(from);
  if (!text)
    return errors_.add(from,
                       "[[on]] needs sql = \"UPDATE ...\"; a table's rules are [[table.x.on]]");
  rule.text = std::move(*text);
  arguments(rule, from);
  touches(rule, from);
  model_->sql_rules_.push_back(std::move(rule));
}

void ModelParser::arguments(SqlRule& rule, const toml::table& from) {
  const toml::table* given = table_at(from, "args", errors_);
  std::vector<std::string> names;
  if (given != nullptr)
    for (const TomlEntry& entry : entries_of(*given)) {
      names.push_back(entry.key);
      SqlRule::Argument argument;
      argument.name = entry.key;
      const toml::table* parts = entry.node->as_table();
      if (parts != nullptr) refuse_unknown(*parts, {"type", "from"}, errors_);
      const auto word = parts == nullptr ? entry.node->value_exact<std::string>()
                                         : text_at(*parts, "from", errors_);
      if (!word) {
        errors_.add(*entry.node,
                    "an argument is \"$source\" or { type = \"...\", from = \".field\" }");
        continue;
      }
      const toml::node& at = parts == nullptr ? *entry.node : *parts->get("from");
      auto of = source(nullptr, *word, at);
      if (!of) continue;
      const auto known = source_type(of->kind);
      const auto named = parts == nullptr ? std::nullopt : text_at(*parts, "type", errors_);
      const auto type = parse_type(named.value_or(known ? type_word(*known).data() : ""));
      if (!type || *type == Type::kList)
        errors_.add(*entry.node,
                    "an argument from a data field needs its type: { type = \"real\", from = \"" +
                        *word + "\" }");
      else if (known && *known != *type)
        errors_.add(*entry.node, *word + " is of type " + std::string(type_word(*known)));
      else
        argument.type = *type;
      argument.source = std::move(*of);
      rule.arguments.push_back(std::move(argument));
    }
  if (names.size() > kArgumentsMax) errors_.add(*given, "too many arguments");
  for (const std::string* text : {&rule.text.sqlite, &rule.text.postgres}) {
    const auto used = sql::parameter_names(*text);
    for (const std::string& name : used)
      if (!has(names, name)) {
        errors_.add(rule.text.where, "the parameter :" + name + " is not among args");
        return;
      }
    for (const std::string& name : names)
      if (!has(used, name)) {
        errors_.add(rule.text.where, "the SQL does not use the argument :" + name);
        return;
      }
  }
  rule.numbered.sqlite = sql::number_parameters(rule.text.sqlite, names);
  rule.numbered.postgres = sql::number_parameters(rule.text.postgres, names);
}

void ModelParser::touches(SqlRule& rule, const toml::table& from) {
  const auto names = texts_at(from, "touches", errors_);
  if (!from.contains("touches"))
    errors_.add(from, "'touches', the tables that the statement changes, is missing");
  for (const std::string& name : names) {
    const auto& tables = model_->tables_;
    const auto at = std::find_if(tables.begin(), tables.end(),
                                 [&](const Table& table) { return table.name == name; });
    if (at == tables.end())
      errors_.add(*from.get("touches"),
                  "'" + core::printable(name) + "' is no table of this model");
    else
      rule.touches.push_back(static_cast<std::size_t>(at - tables.begin()));
  }
}

void ModelParser::check_sql() {
  auto scratch = sqlite::Database::open(":memory:", sqlite::OpenMode::kCreate);
  if (!scratch) return errors_.add(root_, scratch.error().message);
  sqlite::take_double_quotes_for_names(*scratch);
  for (const Table& table : model_->tables_)
    if (const auto made = scratch->exec(sql::create_table(*model_, table, Dialect::kSqlite)); !made)
      return errors_.add(table.where, "table '" + table.name + "': " + made.error().message);
  check_sql_rules(*scratch);
  check_views(*scratch);
}

void ModelParser::check_sql_rules(sqlite::Database& scratch) {
  for (const SqlRule& rule : model_->sql_rules_) {
    sqlite::Changes allowed{sql::kHiddenPrefix.data(), {}};
    for (const std::size_t table : rule.touches)
      allowed.tables.push_back(model_->tables_[table].name);
    const auto done = sqlite::check_change(scratch, rule.text.sqlite, allowed);
    if (!done) errors_.add(rule.text.where, "SQL: " + done.error().message);
    const std::string why = sql::pg_objection(rule.text.postgres);
    if (done && !why.empty()) errors_.add(rule.text.where, "SQL for PostgreSQL: " + why);
  }
}

void ModelParser::check_views(sqlite::Database& scratch) {
  for (View& view : model_->views_) {
    sqlite::allow_only_selects(scratch, "_sluice_");
    auto columns = sqlite::check_select(scratch, view.sql.sqlite);
    sqlite::allow_everything(scratch);
    std::string why;
    if (!columns) {
      why = columns.error().message;
    } else if (const auto made = scratch.exec(sql::create_view(view, Dialect::kSqlite)); !made) {
      why = made.error().message;
    } else {
      // `SELECT *` finds the engine's own columns as well.
      std::erase_if(*columns,
                    [](const std::string& name) { return name.starts_with(sql::kHiddenPrefix); });
      view.columns = std::move(*columns);
      for (const auto& [name, type] : view.types)
        if (!has(view.columns, name)) why = "it gives no column '" + core::printable(name) + "'";
    }
    if (!why.empty()) errors_.add(view.sql.where, "view '" + view.name + "': " + why);
  }
}

}  // namespace sluice::projection
