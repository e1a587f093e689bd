// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "projection/model.hpp"
#include "projection/toml_cursor.hpp"

namespace sluice::projection {

// One reading of a model file; every error is noted, none ends it early.
class ModelParser {
 public:
  ModelParser(const toml::table& root, const std::string& file) : root_(root), errors_(file) {}

  core::Result<std::shared_ptr<Model>> run();

 private:
  void head(Model& model);
  void where(Model& model);
  void table(Model& model, const TomlEntry& entry);
  void key(Table& table, const toml::table& from, const toml::source_region& where);
  void key_column(Table& table, const TomlEntry& entry);
  void column(Table& table, const TomlEntry& entry);
  void rule(Table& table, const toml::table& from);
  void operations(Table& table, Rule& rule, Operator op, const toml::table& from);
  void operation(Table& table, Rule& rule, Operator op, const TomlEntry& entry);
  void check_operation(const Table& table, Operator op, const Column& column, const Source& source,
                       const TomlEntry& entry);
  void check_rule(const Table& table, const Rule& rule, const toml::table& from);
  void latest_groups(Table& table);
  void views(Model& model, const toml::table& from);
  void check_views(Model& model);
  bool name_is_free(const TomlEntry& entry, std::set<std::string>& taken);
  // A constant of `type`, or nullopt after an error.
  std::optional<Cell> constant(Type type, const toml::node& node);

  const toml::table& root_;
  TomlErrors errors_;
  std::set<std::string> names_;   // tables and views
  std::set<std::string> broken_;  // columns of the table at hand that could not be read
};

}  // namespace sluice::projection
