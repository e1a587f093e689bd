// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "projection/model/model.hpp"
#include "projection/model/toml_cursor.hpp"

namespace sluice::sqlite {
class Database;
}

namespace sluice::projection {

// One reading of a model file; every error is noted, none ends it early. Its parts lie in
// model_parser.cpp (the file as a whole), model_columns.cpp (keys and columns), model_rules.cpp
// ([[table.x.on]]), model_conditions.cpp (when), model_values.cpp (sources, constants, lookups),
// model_windows.cpp, model_sql.cpp (views and SQL of the user's own) and model_lint.cpp (what would
// depend on the order of arrival).
class ModelParser {
 public:
  ModelParser(const toml::table& root, const std::string& file) : root_(root), errors_(file) {}

  core::Result<std::shared_ptr<Model>> run();

 private:
  void head();
  void where();
  void table(const TomlEntry& entry);
  bool name_is_free(const TomlEntry& entry, std::set<std::string>& taken);

  void key(Table& table, const toml::table& from, const toml::source_region& where);
  void key_column(Table& table, const TomlEntry& entry);
  void column(Table& table, const TomlEntry& entry);
  void list_column(Column& column, const toml::table* parts, const TomlEntry& entry);

  void rule(Table& table, const toml::table& from);
  void operations(Table& table, Rule& rule, Operator op, const toml::table& from);
  void counts(Table& table, Rule& rule, const toml::node& node);
  void operation(Table& table, Rule& rule, Operator op, const TomlEntry& entry);
  std::optional<std::size_t> column_named(const Table& table, const TomlEntry& entry);
  bool append_items(const Column& column, Operation& operation, const toml::node& node);
  void check_operation(const Table& table, const Operation& operation, const TomlEntry& entry);
  void check_rule(const Table& table, const Rule& rule, const toml::table& from);
  void latest_groups(Table& table);
  // `type` and `category` of a rule.
  void about(const toml::table& from, std::vector<std::string>& types,
             std::vector<std::string>& categories);

  // `table`: for $window and `row`; nullptr outside of one.
  std::optional<Source> source(const Table* table, const std::string& text, const toml::node& node);
  // "$source", ".field", a lookup, or a constant of `type`; nullopt after an error.
  std::optional<Source> value(const Table* table, Type type, const toml::node& node);
  std::optional<Source> lookup(const Table* table, const toml::table& from);
  void lookup_key(const Table* table, Lookup& lookup, const toml::table& from);
  void lookup_missing(Lookup& lookup, const toml::table& from);
  const Column& looked_up(const Lookup& lookup) const;
  // A constant of `type`, or nullopt after an error.
  std::optional<Cell> constant(Type type, const toml::node& node);

  std::optional<Condition> when(const Table* table, const toml::table& from);
  std::optional<Condition> all_of(const Table* table, const toml::table& from);
  void condition_line(const Table* table, const TomlEntry& entry, Condition& out);
  void condition_list(const Table* table, const TomlEntry& entry, Condition& out);
  void questions(const Table* table, const Condition& about, const toml::node& node,
                 Condition& out);
  bool question(const Table* table, const Condition& about, const TomlEntry& entry, Condition& out);
  bool compared(const Table* table, Condition& one, const toml::node& node);

  std::shared_ptr<Window> window(const toml::table& from);
  void window_column(Table& table, Window& window, const toml::table& from);

  void views(const toml::table& from);
  void sql_rules(const toml::node& node);
  void sql_rule(const toml::table& from);
  void arguments(SqlRule& rule, const toml::table& from);
  void touches(SqlRule& rule, const toml::table& from);
  std::optional<SqlText> sql_text(const toml::table& from);
  void check_views(sqlite::Database& scratch);
  void check_sql_rules(sqlite::Database& scratch);
  void check_sql();

  void lint();
  void lint_table(const Table& table);
  void lint_size(const Table& table);
  void lint_lookup(const Table& table, const Rule& rule, const Source& source);
  void lint_filters();
  void warn(const FilePlace& where, const std::string& what);
  // The one category of all events that a rule can see, if there is but one.
  std::optional<std::string> only_category(const std::vector<std::string>& of_rule) const;
  bool is_in_line(const Table& table) const;

  const toml::table& root_;
  TomlErrors errors_;
  std::shared_ptr<Model> model_;
  std::set<std::string> names_;   // tables and views
  std::set<std::string> broken_;  // columns of the table at hand that could not be read
};

}  // namespace sluice::projection
